import { StreamedRunResult } from "@openai/agents";
import { releaseOrigin, settleOrigin } from "../state/claims.ts";
import type { AnyRunState } from "../state/envelope.ts";

/** Notes in the store that a resumed run has ended, once it has. One that failed stays claimed: nobody repeats it. */
export class Settlement {
  #isEnded = false;
  readonly #settled: Promise<void>;

  /**
   * @param state The state that was resumed.
   * @param result What its run gives; a streaming one may be under way.
   */
  constructor(state: AnyRunState, result: unknown) {
    const ended = result instanceof StreamedRunResult ? result.completed : Promise.resolve();
    this.#isEnded = !(result instanceof StreamedRunResult);
    this.#settled = ended.then(() => {
      this.#isEnded = true;
      return settleOrigin(state).catch(warn);
    }, () => releaseOrigin(state)); // Whoever reads the stream gets its error.
  }

  /** Waits for the note if the run has ended; a stream that nobody has read to its end is not waited for. */
  async ifEnded(): Promise<void> {
    if (this.#isEnded) await this.#settled;
  }
}

/** The run is over and its result is what counts; the saved run stays claimed, which repeats nothing. */
function warn(error: unknown): void {
  console.warn("A resumed run has ended, but this could not be noted in its store; clear() it there.", error);
}
