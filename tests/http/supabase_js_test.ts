import { assert, assertEquals } from "@std/assert";
import { createClient, FunctionsHttpError } from "@supabase/supabase-js";
import { Stream } from "openai/streaming";
import { serverTest } from "./_server.ts";

serverTest("supabase.functions.invoke() is a client", async (server, test) => {
  const token = await server.token("ada");
  const origin = server.url.replace("/functions/v1/agents/v1", "");
  const supabase = createClient(origin, "sb_publishable_x", { accessToken: () => Promise.resolve(token) });
  const model = server.world.assistant.name;

  await test.step("it gets an answer with its text", async () => {
    const { data, error } = await supabase.functions.invoke("agents/v1/responses", {
      body: { model, input: "Hello" },
    });
    assertEquals(error, null);
    assertEquals(data.output_text, "You said: Hello");
    const again = await supabase.functions.invoke(`agents/v1/responses/${data.id}`, { method: "GET" });
    assertEquals(again.data.output_text, "You said: Hello");
  });

  await test.step("it streams", async () => {
    const { data } = await supabase.functions.invoke("agents/v1/responses", {
      body: { model, input: "one two", stream: true },
    });
    assert(data instanceof Response);
    let text = "";
    for await (
      const event of Stream.fromSSEResponse<{ type: string; delta: string }>(data, new AbortController())
    ) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assertEquals(text, "You said: one two");
  });

  await test.step("it is told what is wrong", async () => {
    const { error } = await supabase.functions.invoke("agents/v1/responses", {
      body: { model: "none", input: "x" },
    });
    assert(error instanceof FunctionsHttpError);
    assertEquals((await error.context.json()).error.code, "model_not_found");
  });
});
