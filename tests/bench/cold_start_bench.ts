import { deno } from "../_child.ts";
import { compare } from "./_ratio.ts";

/** What it costs to import this package, against the Agents SDK alone: fresh processes, one after the other. */
export async function bench(): Promise<void> {
  await compare("Import in a fresh process", [
    { name: "@openai/agents", run: () => timeOfImport("@openai/agents") },
    { name: "mod.ts", target: 1.1, run: () => timeOfImport("@timestep-ai/timestep") },
  ], { rounds: 25 });
}

/** Milliseconds that the import took as the new process itself saw it: its own start is not counted. */
async function timeOfImport(specifier: string): Promise<number> {
  const script = `
    const start = performance.now();
    await import("${specifier}");
    console.log(performance.now() - start);
    Deno.exit();`;
  const { text } = await deno(["eval", "--no-check", script]);
  return Number(text);
}
