import type { z } from "zod";
import { ItemTranslationError } from "./item_translation_error.ts";

/** Parses a part of an item, or says where it is not what it should be. */
export function parseItem<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = [path, ...(issue?.path ?? []).map(String)].filter((step) => step !== "").join(".");
  throw new ItemTranslationError(
    `Cannot read an item's ${at || "value"}: ${issue?.message ?? "malformed"}`,
    at,
    {
      cause: parsed.error,
    },
  );
}

/** The error for a part of an item that the other format has no word for. */
export function unsupported(what: string, path: string): ItemTranslationError {
  return new ItemTranslationError(
    `Cannot translate ${what}: the other format has no faithful counterpart`,
    path,
  );
}
