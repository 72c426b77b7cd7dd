/** A place for one at a time. */
export class Seat {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  /**
   * Takes the seat, in turn.
   *
   * @param patienceMs How long to wait for it.
   * @returns Whether it was got; then `leave()` has to follow.
   */
  async take(patienceMs: number): Promise<boolean> {
    if (!this.#isTaken) return this.#isTaken = true;
    return await new Promise((resolve) => {
      const come = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1);
        resolve(false);
      }, patienceMs);
      this.#waiting.push(come);
    });
  }

  /** Leaves it to the next. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#isTaken = false;
  }
}
