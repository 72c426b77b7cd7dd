import { z } from "zod";
import { check, invalid } from "./errors.ts";

const functionTool = z.strictObject({
  type: z.literal("function"),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, "string does not match pattern '^[a-zA-Z0-9_-]+$'"),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  strict: z.boolean().nullish(),
});
const mcpTool = z.strictObject({
  type: z.literal("mcp"),
  server_label: z.string(),
  server_url: z.string().optional(),
  connector_id: z.string().optional(),
  server_description: z.string().optional(),
  authorization: z.string().optional(),
  headers: z.record(z.string(), z.string()).nullish(),
  allowed_tools: z.unknown().optional(),
  require_approval: z.unknown().optional(),
});

/** A tool that the model may call. */
export type Tool = z.infer<typeof functionTool> | z.infer<typeof mcpTool>;

/**
 * Checks the tools of a request: their fields, that no name comes twice, and, for those that are strict (as they
 * are unless they say otherwise), that their schema is one that OpenAI can enforce.
 *
 * @throws {ApiError} When OpenAI would refuse one.
 */
export function checkTools(values: readonly unknown[]): Tool[] {
  const names = new Set<string>();
  return values.map((value, index) => {
    const at = `tools[${index}]`;
    const tool = check<Tool>(z.discriminatedUnion("type", [functionTool, mcpTool]), value, at);
    if (tool.type === "mcp") return tool;
    if (names.has(tool.name)) {
      throw invalid(`Duplicate function name: '${tool.name}'. Names of tools must be unique.`, `${at}.name`);
    }
    names.add(tool.name);
    if (tool.strict !== false) checkStrict(tool.parameters, tool.name, `${at}.parameters`);
    return tool;
  });
}

function checkStrict(schema: unknown, name: string, param: string): void {
  const fault = strictFault(schema, []);
  if (!fault) return;
  const message = `Invalid schema for function '${name}': In context=(${
    fault.context.join(", ")
  }), ${fault.message}`;
  throw invalid(message, param, "invalid_function_parameters");
}

/** What stops a schema from being enforced, and where. */
interface Fault {
  context: string[];
  message: string;
}

/**
 * The first thing in a JSON schema that OpenAI's strict mode does not take: an object that is open, or that does
 * not require all of its properties.
 */
export function strictFault(schema: unknown, context: readonly string[]): Fault | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    return { context: [...context], message: "schema must have a 'type' key." };
  }
  const { type, properties, required, additionalProperties, items, anyOf, $defs } = schema as Record<
    string,
    unknown
  >;
  if (context.length === 0 && type !== "object") {
    return {
      context: [],
      message: `schema must be a JSON Schema of 'type: "object"', got 'type: "${type}"'.`,
    };
  }
  if (type === "object" || properties !== undefined) {
    const fault = objectFault(properties, required, additionalProperties, context);
    if (fault) return fault;
  }
  const nested: [string, unknown][] = [
    ...entries(properties).map(([key, value]): [string, unknown] => [`'properties', '${key}'`, value]),
    ...entries($defs).map(([key, value]): [string, unknown] => [`'$defs', '${key}'`, value]),
    ...(Array.isArray(anyOf)
      ? anyOf.map((value, index): [string, unknown] => [`'anyOf', '${index}'`, value])
      : []),
    ...(items === undefined ? [] : [["'items'", items] as [string, unknown]]),
  ];
  for (const [place, value] of nested) {
    const fault = strictFault(value, [...context, place]);
    if (fault) return fault;
  }
  return undefined;
}

function objectFault(
  properties: unknown,
  required: unknown,
  additionalProperties: unknown,
  context: readonly string[],
): Fault | undefined {
  if (additionalProperties !== false) {
    return {
      context: [...context],
      message: "'additionalProperties' is required to be supplied and to be false.",
    };
  }
  const missing = entries(properties).map(([key]) => key).find((key) =>
    !Array.isArray(required) || !required.includes(key)
  );
  if (missing !== undefined) {
    const rule =
      "'required' is required to be supplied and to be an array including every key in properties.";
    return { context: [...context], message: `${rule} Missing '${missing}'.` };
  }
  return undefined;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
