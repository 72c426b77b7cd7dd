import { TimestepError } from "../core/errors.ts";

/** A change of a conversation's history that does not fit what is stored. Nothing was changed. */
export class SessionHistoryError extends TimestepError {
  /** The class's name. */
  override readonly name = "SessionHistoryError";

  /**
   * `session_operation_reused`: the operation's id was used for another change before;
   * `session_suffix_changed`: the history does not end as the change expects;
   * `session_item_malformed`: a stored item cannot be read.
   */
  override readonly code: "session_operation_reused" | "session_suffix_changed" | "session_item_malformed";

  /** Makes an error of the given kind. */
  constructor(code: SessionHistoryError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
