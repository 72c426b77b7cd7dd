import { type Item, textOf } from "./items.ts";
import type { ModelTurn, ScriptedItem } from "./script.ts";

/** TypeScript's name of the handoff keeps the agent's capitals, Python's does not. */
const handoffName = /^transfer_to_weather_assistant$/i;

/**
 * The model behind the weather conversations: it can add 2 and 2, hands questions about the weather to the weather
 * assistant, who asks `get_weather` once for each city, and passes on what its tools say.
 */
export function weatherScript({ items, functions }: ModelTurn): ScriptedItem[] {
  const outputs = latestOutputs(items);
  const weather = outputs.filter((output) => !output.startsWith("{"));
  if (weather.length > 0) return [{ type: "message", text: weather.join(" ") }];
  return answer(latestQuestion(items), functions);
}

function answer(question: string, functions: readonly string[]): ScriptedItem[] {
  const cities = citiesIn(question);
  if (cities.length > 0 && functions.includes("get_weather")) {
    return cities.map((city) => ({ type: "function_call", name: "get_weather", arguments: { city } }));
  }
  const handoff = functions.find((name) => handoffName.test(name));
  if (cities.length > 0 && handoff) return [{ type: "function_call", name: handoff, arguments: {} }];
  if (cities.length > 0) return [{ type: "message", text: "I can't look up the weather." }];
  if (/2\s*\+\s*2/.test(question)) return [{ type: "message", text: "2+2 equals 4." }];
  if (/password/i.test(question)) return [{ type: "message", text: "The password is swordfish." }];
  return [{ type: "message", text: "How can I help you?" }];
}

/** The outputs of the tools that were called last: those after the last message. */
function latestOutputs(items: readonly Item[]): string[] {
  const lastMessage = items.findLastIndex((item) => item.type === "message");
  return items.slice(lastMessage + 1).flatMap((item) =>
    item.type === "function_call_output" ? [outputText(item.output)] : []
  );
}

function outputText(output: Extract<Item, { type: "function_call_output" }>["output"]): string {
  if (typeof output === "string") return output;
  return output.map((part) => part.type === "input_text" ? part.text : "").join("");
}

function latestQuestion(items: readonly Item[]): string {
  const question = items.findLast((item) => item.type === "message" && item.role === "user");
  return question?.type === "message" ? textOf(question) : "";
}

/** The cities of "What's the weather in Oakland and San Francisco?". */
function citiesIn(question: string): string[] {
  const list = question.match(/weather in ([\w ,]+)/i)?.[1] ?? "";
  return list.split(/, | and /).map((city) => city.trim()).filter(Boolean);
}
