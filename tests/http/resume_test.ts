import { assert, assertEquals } from "@std/assert";
import type OpenAI from "openai";
import { serverTest, type TestServer } from "./_server.ts";

const LIMITS = { foregroundMs: 60_000 };

serverTest("a run goes on where its approvals are given", async (server, test) => {
  const client = server.client();
  const model = server.world.assistant.name;

  await test.step("without waiting for the queue", async () => {
    const asked = await client.responses.create({ model, input: "pay ada" });
    // Whoever waits for the queue now waits for longer than the request may take.
    await server.database.query("update dbos.queues set polling_interval_sec = 3600");
    const answer = await approve(client, asked, 0);
    assertEquals(answer.output_text, "Done: paid ada");
    await server.database.query("update dbos.queues set polling_interval_sec = 0.5");
  });

  await test.step("once, when several people answer a part each at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      const names = [0, 1, 2].map((index) => `r${round}n${index}`);
      const asked = await client.responses.create({
        model,
        input: names.map((name) => `pay ${name}`).join(" "),
      });
      const answers = await Promise.all(names.map((_name, index) => approve(client, asked, index)));
      const whole = answers.filter(({ output_text: text }) => text !== "");
      assertEquals(whole.length, 1, JSON.stringify(answers.map(({ output }) => output)));
      for (const name of names) {
        assert(whole[0]?.output_text.includes(`paid ${name}`));
        assertEquals(server.world.paid.filter((paid) => paid === name), [name]);
      }
      const rows = await segments(server, asked.id);
      assertEquals(rows, [{ segment: 0, count: 1 }, { segment: 1, count: 1 }]);
    }
  });
}, LIMITS);

async function approve(client: OpenAI, asked: OpenAI.Responses.Response, index: number) {
  const requests = asked.output.filter((item) => item.type === "mcp_approval_request");
  return await client.responses.create({
    model: asked.model,
    previous_response_id: asked.id,
    input: [{
      type: "mcp_approval_response",
      approval_request_id: requests[index]?.id ?? "",
      approve: true,
    }],
  });
}

/** How many responses there are for each part of a run, besides those that ask again for what is left. */
async function segments(server: TestServer, runId: string) {
  return await server.database.query(
    `select segment, count(*)::int as count from timestep.responses
     where run_id = $1 and still_pending is null group by segment order by segment`,
    [runId],
  );
}
