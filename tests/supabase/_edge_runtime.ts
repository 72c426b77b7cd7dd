/**
 * Loaded before a function, so that the process is more like an isolate of Supabase's: `EdgeRuntime` is there, and
 * SIGTERM is the notice that it is about to be ended, which is all that comes before it is.
 *
 * @module
 */
Reflect.set(globalThis, "EdgeRuntime", { waitUntil() {} });
Deno.addSignalListener("SIGTERM", () => globalThis.dispatchEvent(new Event("beforeunload")));
