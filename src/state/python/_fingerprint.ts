/**
 * How the TypeScript SDK tells one call of a tool from another: a canonical text of what it was called with. It reads
 * a snapshot only if the texts in there are its own, to the letter. After `toolInvocation.mjs` of
 * `@openai/agents-core` 0.20.0, which does not export it.
 */

/** A call of a function; of a handoff by the name `handoff:<name>`. */
export function functionFingerprint(toolName: string, args: string): string {
  return stable({ caller: DIRECT, type: "function_call", toolName, payload: payload(args) });
}

/** A call of a tool at a hosted MCP server. */
export function hostedMcpFingerprint(serverLabel: string, toolName: string, args: unknown): string {
  return stable({
    caller: DIRECT,
    type: "hosted_tool_call",
    toolName: hostedMcpKey(serverLabel, toolName),
    payload: { serverLabel, arguments: typeof args === "string" ? payload(args) : args },
  });
}

/** The key of such a tool in a snapshot. */
export function hostedMcpKey(serverLabel: string, toolName: string): string {
  return JSON.stringify(["hosted_mcp", serverLabel, toolName]);
}

const DIRECT = { type: "direct" };
const PREFIX = "\u0000openai-agents-json:";
const STRING = String.raw`"(?:\\[\s\S]|[^"\\])*"?`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const TOKENS = new RegExp(`${STRING}|${NUMBER}|[-\\d]`, "g");

function payload(args: string): unknown {
  try {
    return { format: "json", value: JSON.parse(args.replaceAll(TOKENS, exact)) };
  } catch {
    return { format: "raw", value: args };
  }
}

/** Numbers as texts, so that none loses digits. */
function exact(token: string): string {
  if (token.startsWith('"')) {
    const text: unknown = JSON.parse(token);
    return typeof text === "string" && text.startsWith(PREFIX)
      ? JSON.stringify(`${PREFIX}string:${text}`)
      : token;
  }
  if (token === "-") throw new SyntaxError("Invalid JSON number");
  return JSON.stringify(`${PREFIX}number:${canonicalNumber(token)}`);
}

function canonicalNumber(token: string): string {
  const [mantissa = "", exponent = "0"] = token.toLowerCase().split("e");
  const sign = mantissa.startsWith("-") ? "-" : "";
  const [integer = "", fraction = ""] = mantissa.slice(sign.length).split(".");
  const digits = `${integer}${fraction}`.replace(/^0+/, "");
  if (digits === "") return `${sign}0`;
  const significant = digits.replace(/0+$/, "");
  const shift = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${shift}`;
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0),
    );
  });
}
