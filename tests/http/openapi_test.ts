import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import { ROUTES } from "../../src/http/_router.ts";
import document from "../../src/http/openapi.json" with { type: "json" };
import { serverTest, type TestServer } from "./_server.ts";

const METHODS = ["get", "post", "delete"];

/** The operations of the document, as `GET /responses/{response_id}`. */
const documented = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.keys(item).filter((key) => METHODS.includes(key)).map((method) => ({ method, path }))
);

Deno.test("openapi.json is a valid OpenAPI document", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert(valid, JSON.stringify(errors, null, 2));
});

Deno.test("openapi.json has each route that is served, and no other", () => {
  const served = Object.entries(ROUTES).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} /${path}`)
  );
  const described = documented.map(({ method, path }) =>
    `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, ":id")}`
  );
  assertEquals(described.sort(), served.sort());
});

serverTest("what is served is as openapi.json says", async (server, test) => {
  const checked = new Set<string>();
  const api = checkedApi(server, checked);
  const model = server.world.assistant.name;

  await test.step("every operation is found", async () => {
    for (const { method, path } of documented) {
      const response = await server.send(
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, "none"),
        undefined,
      );
      const { error } = await response.json();
      assert(!["unknown_url", "method_not_allowed"].includes(error?.code), `${method} ${path}`);
    }
  });

  await test.step("models", async () => {
    await api("get", "/models");
    await api("get", "/models/{model}", [model]);
    await api("get", "/models/{model}", ["nothing"], undefined, 404);
    await api("get", "/openapi.json");
  });

  await test.step("responses", async () => {
    const { id } = await api("post", "/responses", [], { model, input: "What's the weather in Oakland?" });
    await api("get", "/responses/{response_id}", [id]);
    await api("get", "/responses/{response_id}/input_items", [id]);
    const asked = await api("post", "/responses", [], {
      model,
      input: "pay ada",
      metadata: { topic: "money" },
    });
    await api("post", "/responses", [], {
      previous_response_id: asked.id,
      input: [{ type: "mcp_approval_response", approval_request_id: asked.output[0]?.id, approve: true }],
    });
    await api("post", "/responses", [], { model, input: "Fail." });
    await api("post", "/responses", [], { model, input: 7 }, 400);
    server.world.model.hold();
    const waiting = await api("post", "/responses", [], { model, input: "Wait.", background: true });
    await api("get", "/responses/{response_id}", [waiting.id]);
    await api("post", "/responses/{response_id}/cancel", [waiting.id]);
    server.world.model.release();
    await api("delete", "/responses/{response_id}", [id]);
    await api("get", "/responses/{response_id}", [id], undefined, 404);
  });

  await test.step("conversations", async () => {
    const items = [{ type: "message", role: "user", content: "Hello" }];
    const { id } = await api("post", "/conversations", [], { items, metadata: { topic: "weather" } });
    await api("get", "/conversations/{conversation_id}", [id]);
    await api("post", "/conversations/{conversation_id}", [id], { metadata: { topic: "rain" } });
    await api("post", "/responses", [], { model, input: "Hello", conversation: id });
    await api("post", "/conversations/{conversation_id}/items", [id], { items });
    const { data } = await api("get", "/conversations/{conversation_id}/items", [id]);
    await api("get", "/conversations/{conversation_id}/items/{item_id}", [id, data[0]?.id ?? ""]);
    await api("delete", "/conversations/{conversation_id}/items/{item_id}", [id, data[0]?.id ?? ""]);
    await api("delete", "/conversations/{conversation_id}", [id]);
    await api("get", "/conversations/{conversation_id}", [id], undefined, 404);
  });

  await test.step("of every operation something was checked", () => {
    assertEquals([...checked].sort(), documented.map(({ method, path }) => `${method} ${path}`).sort());
  });
});

/** What the test goes on with, of what comes back. */
interface Answer {
  id: string;
  output: { id: string }[];
  data: { id: string }[];
}

/** Sends requests, and holds what is sent and what comes back against the document. */
function checkedApi(server: TestServer, checked: Set<string>) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: "openapi", ...document });
  const check = (pointer: readonly string[], value: unknown) => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
    const validate = ajv.getSchema(`openapi#/${path.join("/")}`);
    assert(validate, `The document has no ${pointer.join(" ")}`);
    assert(validate(value), `${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`);
  };
  return async (
    method: string,
    path: string,
    ids: string[] = [],
    body?: unknown,
    status = 200,
  ): Promise<Answer> => {
    let place = 0;
    const url = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(ids[place++] ?? ""));
    const operation = ["paths", path, method];
    if (body !== undefined && status === 200) {
      check([...operation, "requestBody", "content", "application/json", "schema"], body);
    }
    const response = await server.send(method.toUpperCase(), url, body);
    const answer: unknown = await response.json();
    assertEquals(response.status, status, JSON.stringify(answer));
    const described = status === 200 ? "200" : "4XX";
    check([...operation, "responses", described, "content", "application/json", "schema"], answer);
    if (status === 200) checked.add(`${method} ${path}`);
    return answer as Answer; // As just checked.
  };
}
