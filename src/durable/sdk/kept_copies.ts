import type { Scope } from "../scope.ts";
import { isSame } from "./is_same.ts";

/** Where an item or its copy is. */
interface Place {
  readonly kept: KeptCopies;
  readonly index: number;
}

const places = new WeakMap<object, Place>();

const ofScopes = new WeakMap<Scope, KeptCopies>();

/** Those that were asked last: the SDK goes through a conversation in the same order again and again. */
let latest: KeptCopies | undefined;

/**
 * The copies of the items of a run's conversation. Before each model call the SDK copies all of them, and then the
 * copies. One is given again if it is what a new one would be: neither the item nor the copy, which the model has had
 * in its hands, has changed. To compare them is cheaper than to copy, and leaves nothing to collect.
 */
export class KeptCopies {
  readonly #needsTwo: (item: object) => boolean;
  readonly #items: object[] = [];
  readonly #copies: object[] = [];
  /** The copies that stand for copies of themselves. */
  readonly #finals: (object | undefined)[] = [];
  /** For which model call each copy was given last: it is given once for each. */
  readonly #givenFor: number[] = [];
  #call = 0;
  #isPreparing = false;
  #nextItem = 0;
  #nextFinal = 0;

  /** @param needsTwo Whether the copy of an item's copy is used for anything. */
  constructor(needsTwo: (item: object) => boolean) {
    this.#needsTwo = needsTwo;
  }

  /** Sees to it that the copies of a scope's items are kept here. Not for scopes in which copies are changed. */
  attach(scope: Scope): void {
    ofScopes.set(scope, this);
  }

  /** Forgets all: whoever keeps an item must not keep the others alive. */
  clear(): void {
    for (const list of [this.#items, this.#copies, this.#finals, this.#givenFor]) list.length = 0;
    if (latest === this) latest = undefined;
  }

  /** Says that a scope prepares a model call: what is copied until then is copied for it. */
  static prepareCall(scope: Scope): void {
    const kept = ofScopes.get(scope);
    if (!kept || kept.#isPreparing) return;
    kept.#isPreparing = true;
    kept.#call++;
  }

  /** Says that the model is called. */
  static endPreparation(scope: Scope): void {
    const kept = ofScopes.get(scope);
    if (kept) kept.#isPreparing = false;
  }

  /** A copy of an item, if one was kept and can be given. */
  static find(item: object): object | undefined {
    const next = latest ? latest.#next(item) : undefined;
    if (next) return next;
    const place = places.get(item);
    return place ? place.kept.#at(place.index, item) : undefined;
  }

  /** Keeps a copy that was made in a scope, if it was made for a model call. */
  static keep(item: object, copy: object, scope: Scope): void {
    const kept = ofScopes.get(scope);
    if (kept && kept.#isPreparing) kept.#keep(item, copy);
  }

  #keep(item: object, copy: object): void {
    const place = places.get(item);
    const index = place?.kept === this ? place.index : this.#items.length;
    if (this.#givenFor[index] === this.#call) return;
    const final = this.#needsTwo(item) ? undefined : copy;
    this.#items[index] = item;
    this.#copies[index] = copy;
    this.#finals[index] = final;
    this.#givenFor[index] = this.#call;
    if (place?.kept !== this) places.set(item, { kept: this, index });
    if (final) places.set(final, { kept: this, index });
  }

  #next(item: object): object | undefined {
    if (this.#items[this.#nextItem] === item) return this.#give(this.#nextItem);
    if (this.#finals[this.#nextFinal] !== item || !this.#isPreparing) return undefined;
    this.#nextFinal++;
    return item;
  }

  #at(index: number, item: object): object | undefined {
    latest = this;
    if (this.#items[index] === item) return this.#give(index);
    if (this.#finals[index] !== item || !this.#isPreparing) return undefined;
    this.#nextFinal = index + 1;
    return item;
  }

  #give(index: number): object | undefined {
    const [item, copy] = [this.#items[index], this.#copies[index]];
    this.#nextItem = index + 1;
    const isFree = this.#isPreparing && this.#givenFor[index] !== this.#call;
    if (!item || !copy || !isFree || !isSame(item, copy)) return undefined;
    this.#givenFor[index] = this.#call;
    return copy;
  }
}
