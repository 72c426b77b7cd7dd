/** What the languages word differently about the same thing: see the README of the vectors. */
import type { AgentInputItem } from "@openai/agents";
import { z } from "zod";
import { toResponsesItem } from "../../src/items/to_responses_item.ts";
import { callNames, fromPythonItem } from "../../src/state/python/_items.ts";
import type { Request, WireItem } from "../vectors/scenario.ts";

/** What the TypeScript SDK kept in a session, as it is on the wire. */
export const fromSession = (item: unknown): WireItem => asWire(toResponsesItem(item as AgentInputItem));

/** What the Python SDK kept in a session, as the TypeScript SDK keeps it. */
export function sessionItems(items: readonly unknown[]): AgentInputItem[] {
  const raws = items.map(asWire);
  const names = callNames(raws);
  return raws.map((item, index) => fromPythonItem(item, `session[${index}]`, names));
}

/** An item as it is on the wire. */
export const asWire = (item: unknown): WireItem => z.record(z.string(), z.unknown()).parse(item);

/** A request as both languages send it. */
export const normalRequest = (request: Request) => ({ ...request, input: request.input.map(normal) });

/** The SDKs write some defaults, or leave them out: see the README of the vectors. */
function normal(item: WireItem): WireItem {
  const { type = "message", status, ...rest } = item;
  const isOutput = type === "function_call_output";
  const entries = Object.entries(rest).filter(([, value]) => value !== null);
  return {
    ...Object.fromEntries(entries),
    type,
    ...(isOutput || status === undefined ? {} : { status }),
    ...(isOutput ? { output: normalOutput(item["output"]) } : {}),
  };
}

/** The TypeScript SDK keeps calls in a session without their own ids. */
export function inSession(item: WireItem): WireItem {
  const { id, ...rest } = normal(item);
  return { ...rest, ...(item["type"] === "function_call" ? {} : { id }) };
}

/** The text of a handoff's output has a space in Python. */
function normalOutput(output: unknown): unknown {
  return typeof output === "string" ? output.replace(/^\{"assistant": /, '{"assistant":') : output;
}
