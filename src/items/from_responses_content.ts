import { z } from "zod";
import { otherEntries, present } from "./responses_item.ts";
import { parseItem, unsupported } from "./_parse.ts";

const text = z.looseObject({ text: z.string() });
const refusal = z.looseObject({ refusal: z.string() });
const image = z.looseObject({
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  detail: z.string().nullish(),
});
const file = z.looseObject({
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  file_id: z.string().nullish(),
  filename: z.string().nullish(),
});
const typed = z.looseObject({ type: z.string() });

/** Translates a part of a user's message, or of a tool's structured output. */
export function fromInputPart(part: unknown, path: string): Record<string, unknown> {
  const { type } = parseItem(typed, part, path);
  switch (type) {
    case "input_text": {
      const { text: value, ...rest } = parseItem(text, part, path);
      return present({ type, text: value, providerData: otherEntries(rest, ["type"]) });
    }
    case "input_image": {
      const { image_url: url, file_id: id, detail, ...rest } = parseItem(image, part, path);
      if (!url && !id) throw unsupported("an image with neither image_url nor file_id", path);
      return present({ type, image: url || { id }, detail, providerData: otherEntries(rest, ["type"]) });
    }
    case "input_file": {
      const { file_data: data, file_url: url, file_id: id, filename, ...rest } = parseItem(file, part, path);
      if (!data && !url && !id) {
        throw unsupported("a file with none of file_data, file_url and file_id", path);
      }
      const value = data || (url ? { url } : { id });
      return present({ type, file: value, filename, providerData: otherEntries(rest, ["type"]) });
    }
    default:
      throw unsupported(`content of type '${type}'`, `${path}.type`);
  }
}

/** Translates a part of an assistant's message. */
export function fromOutputPart(part: unknown, path: string): Record<string, unknown> {
  const { type } = parseItem(typed, part, path);
  switch (type) {
    case "output_text": {
      const { text: value, ...rest } = parseItem(text, part, path);
      return present({ type, text: value, providerData: otherEntries(rest, ["type"]) });
    }
    case "refusal": {
      const { refusal: value, ...rest } = parseItem(refusal, part, path);
      return present({ type, refusal: value, providerData: otherEntries(rest, ["type"]) });
    }
    default:
      throw unsupported(`content of type '${type}'`, `${path}.type`);
  }
}

/** Translates a part of a reasoning: of its summary, or of its raw text. */
export function fromReasoningPart(part: unknown, path: string): Record<string, unknown> {
  const { text: value } = parseItem(text, part, path);
  return { text: value };
}
