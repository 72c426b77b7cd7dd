/**
 * Loaded before a function, so that the process is more like an isolate of Supabase's: `EdgeRuntime` is there, and
 * SIGUSR2 is the notice that it is about to be ended, which is all that comes before. (The SDK has SIGTERM for itself.)
 *
 * @module
 */
Reflect.set(globalThis, "EdgeRuntime", { waitUntil() {} });
Deno.addSignalListener("SIGUSR2", () => globalThis.dispatchEvent(new Event("beforeunload")));
