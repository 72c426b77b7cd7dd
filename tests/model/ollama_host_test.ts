import { assertEquals, assertThrows } from "@std/assert";
import { parseOllamaHost } from "../../src/model/_ollama_server.ts";
import { ollamaEndpoint, type OllamaSettings } from "../../src/model/_ollama_endpoint.ts";

// The cases of Ollama's own clients: envconfig/config_test.go of ollama/ollama, _parse_host of ollama-python.
const ADDRESSES: [text: string, url: string][] = [
  ["", "http://127.0.0.1:11434"],
  ["   ", "http://127.0.0.1:11434"],
  ["1.2.3.4", "http://1.2.3.4:11434"],
  [":1234", "http://127.0.0.1:1234"],
  ["1.2.3.4:1234", "http://1.2.3.4:1234"],
  ["1.2.3.4:80", "http://1.2.3.4"],
  ["http://1.2.3.4", "http://1.2.3.4"],
  ["http://1.2.3.4:11434", "http://1.2.3.4:11434"],
  ["https://1.2.3.4", "https://1.2.3.4"],
  ["https://1.2.3.4:443", "https://1.2.3.4"],
  ["https://1.2.3.4:1234", "https://1.2.3.4:1234"],
  ["example.com", "http://example.com:11434"],
  ["example.com:1234", "http://example.com:1234"],
  ["https://example.com/", "https://example.com"],
  ["example.com/", "http://example.com:11434"],
  ["example.com:1234/", "http://example.com:1234"],
  ["example.com/ollama", "http://example.com:11434/ollama"],
  ["https://example.com:1234/ollama//", "https://example.com:1234/ollama"],
  ["http://localhost:11434/v1", "http://localhost:11434"],
  ["http://localhost:11434/v1/", "http://localhost:11434"],
  ["[::1]", "http://[::1]:11434"],
  ["[::1]:1234", "http://[::1]:1234"],
  ["::1", "http://[::1]:11434"],
  ["http://[::1]", "http://[::1]"],
  ["[0001:002:003:0004::1]/path/", "http://[1:2:3:4::1]:11434/path"],
  // To listen on, not to connect to.
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["0.0.0.0:1234", "http://127.0.0.1:1234"],
  ["[::]:1234", "http://[::1]:1234"],
  // As a shell or an env file may leave it.
  [' "1.2.3.4" ', "http://1.2.3.4:11434"],
  ["'localhost'", "http://localhost:11434"],
  ["ollama.com", "https://ollama.com"],
];

for (const [text, url] of ADDRESSES) {
  Deno.test(`parseOllamaHost() reads ${JSON.stringify(text)}`, () =>
    assertEquals(parseOllamaHost(text), { url }));
}

Deno.test("parseOllamaHost() turns a user and password into a header", () => {
  assertEquals(parseOllamaHost("https://me:p%40ss@example.com/ollama"), {
    url: "https://example.com/ollama",
    authorization: `Basic ${btoa("me:p@ss")}`,
  });
  assertEquals(parseOllamaHost("me:pass@example.com").url, "http://example.com:11434");
});

Deno.test("parseOllamaHost() refuses what is no address, without its password", () => {
  for (const text of ["1.2.3.4:99999", "http://", "ftp://example.com", "a b", "host:port"]) {
    assertThrows(() => parseOllamaHost(text), RangeError, JSON.stringify(text));
  }
  for (
    const text of [
      "ftp://me:secret@example.com",
      "http://me:secret/x@example.com",
      "me:7@secret/x@example.com",
    ]
  ) {
    const error = assertThrows(() => parseOllamaHost(text), RangeError);
    assertEquals(error.message.includes("secret"), false);
  }
});

const LOCAL = "http://127.0.0.1:11434";
const CLOUD = "https://ollama.com";
const ENDPOINTS: [
  name: string,
  settings: OllamaSettings,
  url: string,
  model: string,
  authorization?: string,
][] = [
  ["gpt-oss:20b", {}, LOCAL, "gpt-oss:20b"],
  ["gpt-oss:20b", { environmentHost: "gpu:1234" }, "http://gpu:1234", "gpt-oss:20b"],
  ["gpt-oss:20b", { environmentKey: "key" }, LOCAL, "gpt-oss:20b"],
  ["gpt-oss:20b", { apiKey: "key", environmentHost: "gpu" }, "http://gpu:11434", "gpt-oss:20b"],
  ["gpt-oss:20b-cloud", { environmentKey: "key" }, CLOUD, "gpt-oss:20b", "Bearer key"],
  ["gpt-oss:20b-cloud", { apiKey: "mine", environmentKey: "key" }, CLOUD, "gpt-oss:20b", "Bearer mine"],
  ["gpt-oss:20b-cloud", { apiKey: "", environmentKey: "key" }, CLOUD, "gpt-oss:20b", "Bearer key"],
  [
    "gpt-oss:20b-cloud",
    { environmentHost: "gpu", environmentKey: "key" },
    CLOUD,
    "gpt-oss:20b",
    "Bearer key",
  ],
  ["glm-5:cloud", { environmentKey: "key" }, CLOUD, "glm-5", "Bearer key"],
  ["me/mine:1b-cloud", { environmentKey: "key" }, CLOUD, "me/mine:1b", "Bearer key"],
  ["cloud-native:7b", { environmentKey: "key" }, LOCAL, "cloud-native:7b"],
  // One's own server for everything; its own business how it serves cloud models.
  ["gpt-oss:20b", { baseURL: "http://gpu:1" }, "http://gpu:1", "gpt-oss:20b"],
  ["gpt-oss:20b-cloud", { baseURL: "gpu", environmentKey: "key" }, "http://gpu:11434", "gpt-oss:20b-cloud"],
  [
    "gpt-oss:20b",
    { baseURL: "https://gateway", apiKey: "key" },
    "https://gateway",
    "gpt-oss:20b",
    "Bearer key",
  ],
  // The cloud by its address.
  [
    "gpt-oss:20b",
    { environmentHost: "https://ollama.com", environmentKey: "key" },
    CLOUD,
    "gpt-oss:20b",
    "Bearer key",
  ],
  [
    "gpt-oss:20b-cloud",
    { baseURL: "https://ollama.com/v1", apiKey: "key" },
    CLOUD,
    "gpt-oss:20b",
    "Bearer key",
  ],
  // Somebody else's server, and the cloud without encryption.
  [
    "gpt-oss:20b",
    { environmentHost: "https://ollama.com.example", environmentKey: "key" },
    "https://ollama.com.example",
    "gpt-oss:20b",
  ],
  [
    "gpt-oss:20b",
    { environmentHost: "http://ollama.com", environmentKey: "key" },
    "http://ollama.com",
    "gpt-oss:20b",
  ],
];

for (const [name, settings, url, model, authorization] of ENDPOINTS) {
  Deno.test(`ollamaEndpoint() finds ${name} with ${JSON.stringify(settings)}`, () => {
    assertEquals(ollamaEndpoint(name, settings), {
      url,
      model,
      isKeyMissing: false,
      ...(authorization === undefined ? {} : { authorization }),
    });
  });
}

Deno.test("ollamaEndpoint() tells that the key of the cloud is missing", () => {
  assertEquals(ollamaEndpoint("gpt-oss:20b-cloud", {}).isKeyMissing, true);
  assertEquals(ollamaEndpoint("gpt-oss:20b", { environmentHost: "ollama.com" }).isKeyMissing, true);
  assertEquals(ollamaEndpoint("gpt-oss:20b", {}).isKeyMissing, false);
});
