/** What Supabase's runtime adds to Deno. */
interface EdgeRuntime {
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * Keeps the isolate alive until what is begun here is over. Elsewhere than on Supabase the process lives anyway, and
 * nothing is begun.
 */
export function keepAliveFor(begin: () => Promise<unknown>): void {
  edgeRuntime()?.waitUntil(begin().catch(() => {}));
}

/**
 * Whether this process is there for longer than its requests: elsewhere than on Supabase, where workers do what is in
 * the background.
 */
export function outlivesRequests(): boolean {
  return !edgeRuntime();
}

/**
 * Calls back when the isolate is about to be ended. Never, elsewhere than on Supabase.
 *
 * @returns Forgets it.
 */
export function onShutdown(callback: () => void): () => void {
  if (!edgeRuntime()) return () => {};
  globalThis.addEventListener("beforeunload", callback);
  return () => globalThis.removeEventListener("beforeunload", callback);
}

function edgeRuntime(): EdgeRuntime | undefined {
  const runtime: unknown = Reflect.get(globalThis, "EdgeRuntime");
  return isEdgeRuntime(runtime) ? runtime : undefined;
}

function isEdgeRuntime(value: unknown): value is EdgeRuntime {
  return typeof value === "object" && value !== null && "waitUntil" in value &&
    typeof value.waitUntil === "function";
}
