/** Both begin with the letter, four bytes of length; then the text, or a name and the text. */
const QUERY = "Q".charCodeAt(0);
const PARSE = "P".charCodeAt(0);

const COPY_IN = /(?:^|;)\s*copy\s[^;]*\bfrom\s+stdin\b/i;
const COMMENTS = /--[^\n]*|\/\*[\s\S]*?\*\//g;
const REFUSAL = `do $$begin raise feature_not_supported using
  message = 'PGlite cannot copy from a client: insert the rows, or use Postgres'; end$$`;

/**
 * Puts an error in the place of `copy ... from stdin`: PGlite would wait for the rows for ever, and with it everybody.
 *
 * @param message What a client sends.
 * @returns What the engine is to get.
 */
export function withoutCopy(message: Uint8Array): Uint8Array {
  const [type] = message;
  if (type !== QUERY && type !== PARSE) return message;
  const from = type === QUERY ? 5 : message.indexOf(0, 5) + 1;
  const end = message.indexOf(0, from);
  const sql = new TextDecoder().decode(message.subarray(from, end));
  if (!/stdin/i.test(sql) || !COPY_IN.test(sql.replace(COMMENTS, " "))) return message;
  const text = new TextEncoder().encode(REFUSAL);
  const changed = new Uint8Array(from + text.length + message.length - end);
  changed.set(message.subarray(0, from));
  changed.set(text, from);
  changed.set(message.subarray(end), from + text.length);
  new DataView(changed.buffer).setInt32(1, changed.length - 1);
  return changed;
}
