import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** An MCP server over HTTP, of the protocol's own library, with one tool: it counts what it is given. */
export class McpHttpServer implements AsyncDisposable {
  /** What its tool was called with. */
  readonly calls: string[] = [];
  /** How often its tools were listed. */
  lists = 0;
  /** What the tool is called; somebody may rename it. */
  toolName = "count";
  /** Whether it answers that it can't. */
  isAway = false;
  readonly #onCall: (what: string) => Promise<void>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param onCall Is waited for before a call is answered. */
  constructor(onCall = (_what: string) => Promise.resolve()) {
    this.#onCall = onCall;
    const handler = createMcpHandler(() => this.#make());
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (this.isAway) return new Response("Away.", { status: 503 });
      if ((await request.clone().text()).includes("tools/list")) this.lists++;
      return await handler.fetch(request);
    });
  }

  /** Where it is. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/mcp`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #make(): McpServer {
    const server = new McpServer({ name: "counter", version: "1.0.0" });
    const inputSchema = z.object({ what: z.string() });
    server.registerTool(this.toolName, { description: "Counts.", inputSchema }, async ({ what }) => {
      this.calls.push(what);
      await this.#onCall(what);
      return { content: [{ type: "text", text: `counted ${what}` }] };
    });
    return server;
  }
}
