// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { assertEquals, assertStringIncludes } from "@std/assert";
import { OpenAIStandIn } from "./mod.ts";

const question = { role: "user", content: "Hello" };
const call = { type: "function_call", call_id: "call_1", name: "get_weather", arguments: "{}" };
const output = { type: "function_call_output", call_id: "call_1", output: "sunny" };
const answer = { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi" }] };
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tool = { type: "function", name: "get_weather", parameters: schema, strict: true };

/** A request that OpenAI would refuse, and how it would. */
interface Refusal {
  body: Record<string, unknown>;
  message: string;
  param?: string | null;
  code?: string | null;
  status?: number;
}

/** A request with these items. */
const items = (...input: unknown[]) => ({ input });
/** A request with these tools. */
const tools = (...tools: unknown[]) => ({ tools });

const refusals: Record<string, Refusal> = {
  "the model is missing": {
    body: { model: undefined },
    message: "Missing required parameter: 'model'.",
    param: "model",
    code: "missing_required_parameter",
  },
  "the model is another provider's": {
    body: { model: "openai/gpt-4.1" },
    message: "The requested model 'openai/gpt-4.1' does not exist.",
    param: "model",
    code: "model_not_found",
  },
  "there is nothing to answer": {
    body: { input: [] },
    message: 'One of "input"',
    param: "input",
    code: "missing_required_parameter",
  },
  "the request has an unknown field": {
    body: { sessionId: "s" },
    message: "Unknown parameter: 'sessionId'.",
    param: "sessionId",
    code: "unknown_parameter",
  },
  "a field has the wrong type": {
    body: { temperature: "0" },
    message: "Invalid type for 'temperature': expected number, but got a string instead.",
    param: "temperature",
    code: "invalid_type",
  },
  "a reasoning model gets a temperature": {
    body: { model: "gpt-5", temperature: 0 },
    message: "Unsupported parameter: 'temperature'",
    param: "temperature",
    code: "unsupported_parameter",
  },
  "another model is asked to reason": {
    body: { reasoning: { effort: "low" } },
    message: "Unsupported parameter: 'reasoning.effort'",
    param: "reasoning.effort",
    code: "unsupported_parameter",
  },
  "it names two parents": {
    body: { conversation: "conv_1", previous_response_id: "resp_1" },
    message: "Mutually exclusive parameters",
    param: null,
    code: "mutually_exclusive_parameters",
  },
  "the previous response is unknown": {
    body: { previous_response_id: "resp_x" },
    message: "Previous response with id 'resp_x' not found.",
    param: "previous_response_id",
    code: "previous_response_not_found",
  },
  "the conversation is unknown": {
    body: { conversation: "conv_x" },
    message: "Conversation with id 'conv_x' not found.",
    status: 404,
  },
  "an item has an unknown type": {
    body: items({ type: "tool_result", output: "x" }),
    message: "Invalid value: 'tool_result'.",
    param: "input[0].type",
    code: "invalid_value",
  },
  "an item has an unknown field": {
    body: items({ ...question, providerData: {} }),
    message: "Unknown parameter: 'input[0].providerData'.",
    param: "input[0].providerData",
    code: "unknown_parameter",
  },
  "an item lacks a field": {
    body: items({ type: "function_call", call_id: "call_1", name: "f" }),
    message: "Missing required parameter: 'input[0].arguments'.",
    param: "input[0].arguments",
    code: "missing_required_parameter",
  },
  "a message has an unknown role": {
    body: items({ role: "tool", content: "x" }),
    message: "Invalid value: 'tool'. Supported values are: 'user', 'system', 'developer', 'assistant'.",
    param: "input[0].role",
    code: "invalid_value",
  },
  "an assistant's message has input text": {
    body: items(question, { role: "assistant", content: [{ type: "input_text", text: "x" }] }),
    message: "Invalid value: 'input_text'. Supported values are: 'output_text', 'refusal'.",
    param: "input[1].content[0].type",
    code: "invalid_value",
  },
  "a user's message has output text": {
    body: items({ role: "user", content: [{ type: "output_text", text: "x" }] }),
    message: "Invalid value: 'output_text'.",
    param: "input[0].content[0].type",
  },
  "a developer's message has an image": {
    body: items({ role: "developer", content: [{ type: "input_image", image_url: "data:," }] }),
    message: "Supported values are: 'input_text'.",
    param: "input[0].content[0].type",
  },
  "an identifier has another type's prefix": {
    body: items({ ...answer, id: "fc_1" }, question),
    message: "Invalid 'input[0].id': expected an ID that begins with 'msg'.",
    param: "input[0].id",
    code: "invalid_value",
  },
  "a call_id is too long": {
    body: items({ ...call, call_id: "c".repeat(65) }),
    message: "Invalid 'input[0].call_id'",
    param: "input[0].call_id",
  },
  "an output has no call": {
    body: items(question, output),
    message: "No tool call found for function call output with call_id call_1.",
    param: "input",
  },
  "an output comes before its call": {
    body: items(question, output, call),
    message: "No tool call found for function call output with call_id call_1.",
    param: "input",
  },
  "a call has no output": {
    body: items(question, call),
    message: "No tool output found for function call call_1.",
    param: "input",
  },
  "one of two parallel calls has no output": {
    body: items(question, call, { ...call, call_id: "call_2" }, output),
    message: "No tool output found for function call call_2.",
    param: "input",
  },
  "a call comes twice": {
    body: items(question, call, call, output),
    message: "Duplicate function call found with call_id call_1.",
    param: "input",
  },
  "an output comes twice": {
    body: items(question, call, output, output),
    message: "Duplicate function call output found with call_id call_1.",
    param: "input",
  },
  "an identifier comes twice": {
    body: items({ ...question, id: "msg_1" }, { ...question, id: "msg_1" }),
    message: "Duplicate item found with id msg_1.",
    param: "input",
  },
  "an item is referred to that nobody stored": {
    body: items(question, { type: "item_reference", id: "msg_x" }),
    message: "Item with id 'msg_x' not found.",
    param: "input",
    status: 404,
  },
  "reasoning is neither stored nor encrypted": {
    body: items(question, { type: "reasoning", id: "rs_x", summary: [] }, answer),
    message: "Item with id 'rs_x' not found.",
    param: "input",
    status: 404,
  },
  "reasoning has nothing after it": {
    body: items({ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "e" }, question),
    message: "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
    param: "input",
  },
  "an approval answers no request": {
    body: items({ type: "mcp_approval_response", approval_request_id: "mcpr_x", approve: true }),
    message: "No approval request found with id mcpr_x.",
    param: "input",
  },
  "two tools have one name": {
    body: tools(tool, tool),
    message: "Duplicate function name: 'get_weather'.",
    param: "tools[1].name",
  },
  "a tool's name has a space": {
    body: tools({ ...tool, name: "get weather" }),
    message: "Invalid 'tools[0].name'",
    param: "tools[0].name",
  },
  "a strict tool is open": {
    body: tools({ ...tool, parameters: { ...schema, additionalProperties: true } }),
    message:
      "Invalid schema for function 'get_weather': In context=(), 'additionalProperties' is required to be supplied and to be false.",
    param: "tools[0].parameters",
    code: "invalid_function_parameters",
  },
  "a strict tool does not require a property": {
    body: tools({ ...tool, parameters: { ...schema, required: [] } }),
    message: "Missing 'city'.",
    param: "tools[0].parameters",
    code: "invalid_function_parameters",
  },
  "a strict tool has an open object inside": {
    body: tools({
      ...tool,
      parameters: { ...schema, properties: { city: { type: "object", properties: {} } } },
    }),
    message: "In context=('properties', 'city'), 'additionalProperties'",
    param: "tools[0].parameters",
    code: "invalid_function_parameters",
  },
  "the tool to call is not there": {
    body: { ...tools(tool), tool_choice: { type: "function", name: "other" } },
    message: "Tool choice 'function' not found in 'tools' parameter.",
    param: "tool_choice",
  },
  "a strict format is open": {
    body: {
      text: { format: { type: "json_schema", name: "city", strict: true, schema: { type: "object" } } },
    },
    message: "Invalid schema for response_format 'city'",
    param: "text.format.schema",
    code: "invalid_json_schema",
  },
};

for (const [when, refusal] of Object.entries(refusals)) {
  Deno.test(`POST /v1/responses is refused when ${when}`, async () => {
    await using openai = new OpenAIStandIn();
    const { status, error } = await post(openai, { model: "gpt-4.1", input: [question], ...refusal.body });
    assertStringIncludes(error?.message ?? "", refusal.message);
    assertEquals(status, refusal.status ?? 400);
    if (refusal.param !== undefined) assertEquals(error?.param, refusal.param);
    if (refusal.code !== undefined) assertEquals(error?.code, refusal.code);
    assertEquals(error?.type, "invalid_request_error");
    assertEquals(openai.refusals.length, 1);
  });
}

const accepted: Record<string, Record<string, unknown>> = {
  "its input is a text": { input: "Hello" },
  "calls and outputs pair up in any order": items(
    question,
    call,
    { ...call, call_id: "call_2" },
    { ...output, call_id: "call_2" },
    output,
  ),
  "its roles are all that there are": items(
    { role: "system", content: "s" },
    { role: "developer", content: [{ type: "input_text", text: "d" }] },
    answer,
    { ...question, id: "msg_1" },
  ),
  "reasoning carries its content along": items(
    question,
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "e" },
    answer,
    question,
  ),
  "a tool that is not strict has an open schema": tools({
    ...tool,
    strict: false,
    parameters: { type: "object" },
  }),
};

for (const [when, body] of Object.entries(accepted)) {
  Deno.test(`POST /v1/responses is answered when ${when}`, async () => {
    await using openai = new OpenAIStandIn();
    assertEquals(await post(openai, { model: "gpt-4.1", input: [question], ...body }), { status: 200 });
  });
}

Deno.test("POST /v1/responses is refused with 401 when there is no key", async () => {
  await using openai = new OpenAIStandIn();
  for (const authorization of [undefined, "Bearer ", "Basic eDp5"]) {
    const response = await fetch(`${openai.url}/responses`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(authorization ? { authorization } : {}) },
      body: JSON.stringify({ model: "gpt-4.1", input: "Hello" }),
    });
    assertEquals(response.status, 401);
    assertEquals((await response.json()).error.code, "invalid_api_key");
  }
});

Deno.test("POST /v1/responses is refused when an item comes without the reasoning that led to it", async () => {
  await using openai = new OpenAIStandIn({
    script: () => [{ type: "reasoning", summary: "Easy." }, { type: "message", text: "Hi" }],
  });
  const headers = { "content-type": "application/json", authorization: "Bearer test" };
  const first = await fetch(`${openai.url}/responses`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: "gpt-5", input: "Hello" }),
  });
  const [reasoning, message] = (await first.json()).output;
  const whole = await post(openai, { model: "gpt-5", input: [question, reasoning, message, question] });
  assertEquals(whole, { status: 200 });
  const { error } = await post(openai, { model: "gpt-5", input: [question, message, question] });
  assertStringIncludes(error?.message ?? "", `without its required 'reasoning' item: '${reasoning.id}'`);
});

/** What the server answers; `error` is absent when it answers well. */
interface Answer {
  status: number;
  error?: { message: string; type: string; param: string | null; code: string | null };
}

async function post(openai: OpenAIStandIn, body: unknown): Promise<Answer> {
  const response = await fetch(`${openai.url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer test" },
    body: JSON.stringify(body),
  });
  const { error } = await response.json();
  return { status: response.status, ...(error ? { error } : {}) };
}
