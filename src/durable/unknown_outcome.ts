/** Thrown inside of a run when it comes to a call that has begun before and must not be repeated. Never leaves it. */
export class UnknownOutcome extends Error {
  /** @param stepKey The call. */
  constructor(readonly stepKey: string) {
    super(`Nobody knows whether "${stepKey}" was completed.`);
  }
}
