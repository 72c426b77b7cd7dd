import { MemorySession } from "@openai/agents";
import { sessionSuite } from "./session_suite.ts";

sessionSuite({
  name: "memory",
  create: (sessionId) =>
    Promise.resolve({
      session: new MemorySession(sessionId === undefined ? {} : { sessionId }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
});
