/**
 * An item as the Responses API, and with it the Python SDK, writes it: snake_case keys, one object a message, call,
 * result or reasoning. The Agents SDK's own items are called protocol items here.
 */
export type ResponsesItem = Record<string, unknown>;

/** The id that the TypeScript SDK gives to items which have none. */
export const TYPESCRIPT_PLACEHOLDER_ID = "FAKE_ID";

/** The hosted tools' calls, which protocol items keep whole as provider data. */
export const HOSTED_CALL_TYPES: readonly string[] = [
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "mcp_call",
];

/** The entries of `record` whose keys are not among `keys`; `undefined` when none is left. */
export function otherEntries(
  record: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> | undefined {
  const entries = Object.entries(record).filter(([key, value]) => !keys.includes(key) && value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** `value` without its entries that are `undefined` or `null`. */
export function present<T extends Record<string, unknown>>(value: T): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(([, entry]) => entry !== undefined && entry !== null),
  );
}
