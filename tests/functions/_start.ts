/**
 * Starts the function in the file that the argument names, on a free port, and prints that: on any version of Deno.
 *
 * @module
 */
const serve = Deno.serve;
Deno.serve = ((handler: Deno.ServeHandler) =>
  serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, handler)) as typeof Deno.serve;

await import(new URL(Deno.args[0] ?? "", `file://${Deno.cwd()}/`).href);
