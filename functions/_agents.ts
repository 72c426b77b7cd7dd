import type { LazyAgent } from "@timestep-ai/timestep/http";

/** The agents that are served. Each in a file of its own, so that it is loaded when it is needed. */
export const agents: LazyAgent[] = [
  { name: "Assistant", load: async () => (await import("./_assistant.ts")).assistant },
];
