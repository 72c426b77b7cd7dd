/**
 * An MCP server over standard input and output with one tool, `count`, which notes its calls in the file of the first
 * argument.
 *
 * @module
 */
import { z } from "zod";

const requestSchema = z.object({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string(),
  params: z.object({
    protocolVersion: z.string().optional(),
    arguments: z.object({ what: z.string() }).optional(),
  }).optional(),
});

type Request = z.infer<typeof requestSchema>;

function answer({ method, params }: Request, calls: string): unknown {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params?.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "counter", version: "1.0.0" },
      };
    case "tools/list":
      return {
        tools: [{
          name: "count",
          description: "Counts.",
          inputSchema: {
            type: "object",
            properties: { what: { type: "string" } },
            required: ["what"],
            additionalProperties: false,
          },
        }],
      };
    case "tools/call": {
      const what = params?.arguments?.what;
      Deno.writeTextFileSync(calls, `${what}\n`, { append: true });
      return { content: [{ type: "text", text: `counted ${what}` }] };
    }
    default:
      return {};
  }
}

if (import.meta.main) {
  const [calls = ""] = Deno.args;
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const request = requestSchema.parse(JSON.parse(line));
      // Notifications want no answer.
      if (request.id === undefined) continue;
      console.log(JSON.stringify({ jsonrpc: "2.0", id: request.id, result: answer(request, calls) }));
    }
  }
}
