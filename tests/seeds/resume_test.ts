import { assertEquals } from "@std/assert";
import { readSeed, runProgram, seedProgram } from "./_program.ts";
import { describeItem, receivedCalls } from "./_received.ts";
import { engines } from "./_surroundings.ts";

/**
 * What the short examples use without declaring it, and what the Agents SDK has not: every agent needs a name, and
 * of `Session` there is only the interface.
 */
const scaffolding = {
  agent: {
    "const agent = new Agent({ model: 'gpt-4' });":
      "const agent = new Agent({ name: 'Assistant', model: 'gpt-4' });",
  },
  agentWithTool: {
    "const agent = new Agent({ model: 'gpt-4' });":
      "const agent = new Agent({ name: 'Assistant', model: 'gpt-4', tools: [getWeather] });",
  },
  session: {
    "import { Agent, Session } from '@openai/agents';":
      "import { Agent, MemorySession as Session } from '@openai/agents';",
  },
  getWeather: ["import { tool } from '@openai/agents';", ...weatherTool()],
};

/** The tool of the conversation, which asks before it tells about Berkeley. */
function weatherTool(): string[] {
  const lines = readSeed("conversation").split("\n");
  return lines.slice(lines.indexOf("const getWeather = tool({"), lines.indexOf("// Define guardrails"));
}

const [city, answer] = ["Berkeley", "The weather in Berkeley is sunny and 72°F"];
const question = `const inputItems = [{ role: 'user', content: "What's the weather in ${city}?" }];`;
const toolCall = { name: "get_weather", input: JSON.stringify({ city }), output: answer };
const items = [
  `user: What's the weather in ${city}?`,
  `call get_weather {"city":"${city}"}`,
  `output ${answer}`,
];

const [pglite] = engines();
if (!pglite) throw new Error("There is no database to test with");

Deno.test("the quick start runs to its end and saves what needs no approval", async () => {
  await using surroundings = await pglite.surroundings();
  const program = seedProgram("quick_start", {
    before: [`const inputItems = [{ role: 'user', content: "What's 2+2?" }];`],
    lines: { ...scaffolding.agent, ...scaffolding.session },
  });
  const observed = await runProgram(program, surroundings);
  assertEquals(observed, { tools: [], guardrails: [], handoffs: [] });
  assertEquals(receivedCalls(surroundings.openai).map(({ items }) => items), [["user: What's 2+2?"]]);
});

Deno.test("the quick start saves a run to a file, and another process approves and resumes it", async () => {
  await using surroundings = await pglite.surroundings();
  const { directory, openai } = surroundings;
  const started = await runProgram(
    seedProgram("quick_start", {
      before: [...scaffolding.getWeather, question],
      lines: { ...scaffolding.agentWithTool, ...scaffolding.session },
    }),
    surroundings,
  );
  assertEquals(started, { tools: [], guardrails: [], handoffs: [] });
  await Deno.rename(`${directory}/agent_state.json`, `${directory}/state.json`);
  const resumed = await runProgram(
    seedProgram("resume_from_file", {
      before: [
        ...scaffolding.getWeather,
        "import { MemorySession } from '@openai/agents';",
        "const session = new MemorySession();",
      ],
      lines: scaffolding.agentWithTool,
      after: [`if (result.finalOutput !== ${JSON.stringify(answer)}) throw new Error(result.finalOutput);`],
    }),
    surroundings,
  );
  assertEquals(resumed, { tools: [toolCall], guardrails: [], handoffs: [] });
  assertEquals(receivedCalls(openai).map(({ items }) => items), [items.slice(0, 1), items]);
  assertEquals(openai.refusals, []);
});

for (const engine of engines()) {
  Deno.test(`a run that one process saves is approved and resumed by the next [${engine.name}]`, async () => {
    await using surroundings = await engine.surroundings();
    const { openai } = surroundings;
    const until = "const stateStore = new RunStateStore({ agent: assistant, sessionId });";
    const started = await runProgram(
      seedProgram("conversation", {
        until,
        after: [
          question,
          "await stateStore.save((await runAgent(assistant, inputItems, session, false)).state);",
        ],
      }),
      surroundings,
    );
    assertEquals([started.error, started.tools], [undefined, []]);
    const [conversationId = ""] = openai.conversationIds;
    const resumed = await runProgram(
      seedProgram("conversation", {
        until,
        lines: {
          "const session = new OpenAIConversationsSession();":
            `const session = new OpenAIConversationsSession({ conversationId: '${conversationId}' });`,
        },
        after: ["const agent = assistant;", seedProgram("resume")],
      }),
      surroundings,
    );
    assertEquals(resumed.error, undefined);
    assertEquals(resumed.tools, [toolCall]);
    assertEquals(openai.itemsOf(conversationId).map(describeItem), [
      `user: What's the weather in ${city}?`,
      "call transfer_to_Weather_Assistant {}",
      'output {"assistant":"Weather Assistant"}',
      ...items.slice(1),
      `assistant: ${answer}`,
    ]);
    assertEquals(openai.refusals, []);
  });
}
