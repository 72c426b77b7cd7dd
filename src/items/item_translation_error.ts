import { TimestepError } from "../core/errors.ts";

/** An item of a conversation that has no faithful counterpart in the other format. */
export class ItemTranslationError extends TimestepError {
  override readonly code = "item_not_translatable";
  override readonly name = "ItemTranslationError";

  /**
   * Where in the item the fault lies, from the item down: `content[1].type`. Empty for the item itself.
   */
  readonly path: string;

  /** Makes an error about the part of an item at `path`. */
  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}
