import { assertEquals } from "@std/assert";
import { isPythonThere, PYTHON } from "../state/_python_peer.ts";
import { serverTest } from "./_server.ts";

const SCRIPT = new URL("./python_clients.py", import.meta.url);

serverTest(
  "Python's OpenAI client and Agents SDK are clients",
  async (server) => {
    const { assistant, clerk, paid } = server.world;
    const { code, stdout, stderr } = await new Deno.Command(PYTHON.pathname, {
      args: [SCRIPT.pathname, server.url, await server.token("ada"), assistant.name, clerk.name],
      env: { OPENAI_AGENTS_DISABLE_TRACING: "1", PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
      models: [assistant.name, clerk.name],
      create: "You said: Hello",
      next: "I see 3 items.",
      stream: "Done: sunny in Rome",
      streamed: ["mcp_call", "message"],
      asked: ["mcp_approval_request", "completed"],
      approved: "Done: paid Bob",
      function: "Done: 42",
      resumed: true,
      polled: "completed",
      cancelled: "completed",
      conversation: "I see 2 items.",
      items: 3,
      failed: "failed",
      missing: "not_found",
      agents: "You said: Hello",
      agents_streamed: "Done: sunny in Oslo",
      agents_approved: "Done: paid Carol",
      agents_rejected: "Done: Tool execution was not approved.",
      agents_session: "I see 3 items.",
      agents_function: "Done: found Bari",
    });
    assertEquals(paid, ["Bob", "Carol"]);
  },
  {},
  !isPythonThere(),
);
