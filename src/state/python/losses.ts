/** Something that a state said and the other language's SDK has no place for. Leaving it out does no harm. */
export interface TranslationLoss {
  /** Where it stood, with `[]` for each of several. */
  readonly path: string;
  /** What it was. */
  readonly what: string;
}

/** Collects losses, each kind once. */
export class Losses {
  readonly #found = new Map<string, TranslationLoss>();

  /** Notes that what stands at `path` is left out. */
  add(path: string, what: string): void {
    const general = path.replaceAll(/\[\d+\]/g, "[]");
    this.#found.set(`${general} ${what}`, { path: general, what });
  }

  /** What was noted, in the order in which it was found. */
  get found(): readonly TranslationLoss[] {
    return [...this.#found.values()];
  }
}
