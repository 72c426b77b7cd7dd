/** Set environment variables, or with `undefined` delete them, until the end of the block. */
export function environment(variables: Record<string, string | undefined>): Disposable {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  Object.entries(variables).forEach(([name, value]) => write(name, value));
  return { [Symbol.dispose]: () => before.forEach(([name, value]) => write(name, value)) };
}

/** Nothing that the machine has set reaches a test. */
export function emptyEnvironment(variables: Record<string, string | undefined> = {}): Disposable {
  return environment({
    OLLAMA_HOST: undefined,
    OLLAMA_API_KEY: undefined,
    OPENAI_API_KEY: undefined,
    OPENAI_BASE_URL: undefined,
    OPENAI_ORG_ID: undefined,
    OPENAI_PROJECT_ID: undefined,
    OPENAI_CUSTOM_HEADERS: undefined,
    ...variables,
  });
}

/** Send what goes to `from` to `to` instead, until the end of the block. */
export function redirect(from: string, to: string): Disposable {
  const before = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = String(input);
    return before(url.startsWith(from) ? url.replace(from, to) : input, init);
  };
  return { [Symbol.dispose]: () => void (globalThis.fetch = before) };
}

function write(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}
