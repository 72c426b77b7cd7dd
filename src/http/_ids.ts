/**
 * The ids on the wire tell where things are, so that an item needs no table of its own: an item's id is its kind,
 * the 32 hexadecimal digits of the response or conversation that it belongs to, and its place there.
 */
const OWN_ID = /^(resp|conv)_([0-9a-f]{32})$/;
const ITEM_ID = /^([a-z]{2,6})_([0-9a-f]{32})_(\d{1,15})$/;

/** Makes a new id: `resp_` or `conv_`, and 32 hexadecimal digits. */
export function newId(kind: "resp" | "conv"): string {
  return `${kind}_${crypto.randomUUID().replaceAll("-", "")}`;
}

/** Whether `id` is one that {@linkcode newId} could have made; anything else need not be looked for. */
export function isId(kind: "resp" | "conv", id: string): boolean {
  return OWN_ID.exec(id)?.[1] === kind;
}

/** The id of an item at a place in a response or conversation. */
export function itemId(kind: string, parentId: string, place: number): string {
  return `${kind}_${hexOf(parentId)}_${place}`;
}

/** Where an item is, by its id. */
export interface ItemPlace {
  /** What the id begins with: `msg`, `mcp`, `mcpr`, ... */
  kind: string;
  /** The digits of the response or conversation. */
  hex: string;
  /** The place in it. */
  place: number;
}

/** Reads an item's id; `null` when it is not one of ours. */
export function parseItemId(id: string): ItemPlace | null {
  const [, kind, hex, place] = ITEM_ID.exec(id) ?? [];
  return kind && hex && place ? { kind, hex, place: Number(place) } : null;
}

function hexOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}
