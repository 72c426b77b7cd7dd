/**
 * Asks at the terminal and waits for a line; also reads a pipe, unlike `prompt()`.
 *
 * @param question What to ask, printed without a line break.
 * @returns The line, trimmed; `null` when the input has ended.
 */
export async function ask(question: string): Promise<string | null> {
  await Deno.stdout.write(new TextEncoder().encode(question));
  const line = (await readLine())?.trim() ?? null;
  // A terminal shows what is typed, and the line's end.
  if (line === null || !Deno.stdin.isTerminal()) console.log(line ?? "");
  return line;
}

/** Reads byte by byte: what follows the line is left for the next question. */
async function readLine(): Promise<string | null> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1);
  while (await Deno.stdin.read(buffer) !== null) {
    const [byte = 0] = buffer;
    if (byte === 10) return decode(bytes);
    bytes.push(byte);
  }
  return bytes.length > 0 ? decode(bytes) : null;
}

function decode(bytes: number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}
