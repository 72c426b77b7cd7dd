import type { AgentInputItem } from "@openai/agents";

/** What a person said. */
export function say(content: string): AgentInputItem {
  return { role: "user", content };
}

/** A call of a tool. */
export function call(callId: string, args = "{}"): Extract<AgentInputItem, { type: "function_call" }> {
  return { type: "function_call", callId, name: "get_weather", status: "completed", arguments: args };
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A text of random code units: any of them, so that half of the surrogates stand alone. */
export function randomText(random: () => number, maxLength = 40): string {
  const length = Math.floor(random() * maxLength);
  return String.fromCharCode(...Array.from({ length }, () => {
    const range = [0x20, 0x80, 0x300, 0x10000][Math.floor(random() * 4)] ?? 0x80;
    return random() < 0.2 ? 0xd800 + Math.floor(random() * 0x800) : Math.floor(random() * range);
  }));
}

/** Any value that JSON can hold. */
export function randomJson(random: () => number, depth = 3): unknown {
  switch (Math.floor(random() * (depth > 0 ? 7 : 5))) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return [0, -1, 1.5, 1e300, 5e-324, 2 ** 53, -(2 ** 53), 0.1][Math.floor(random() * 8)];
    case 3:
    case 4:
      return randomText(random);
    case 5:
      return Array.from({ length: Math.floor(random() * 4) }, () => randomJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, () => [
          // Not "__proto__": an object literal of the SDK's cannot have it either.
          randomText(random, 8) || "key",
          randomJson(random, depth - 1),
        ]),
      );
  }
}

/** Items of all sorts with random texts and data in them. */
export function randomItems(random: () => number, count: number): AgentInputItem[] {
  return Array.from({ length: count }, (_, index): AgentInputItem => {
    const text = randomText(random, 200);
    const providerData = { data: randomJson(random) };
    switch (index % 5) {
      case 0:
        return { role: "user", content: text, providerData };
      case 1:
        return {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text, providerData }],
        };
      case 2:
        return { ...call(`call_${index}`, text), providerData };
      case 3:
        return {
          type: "function_call_result",
          callId: `call_${index - 1}`,
          name: "get_weather",
          status: "completed",
          output: { type: "text", text },
          providerData,
        };
      default:
        return { type: "reasoning", content: [{ type: "input_text", text }], providerData };
    }
  });
}
