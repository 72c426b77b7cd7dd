/**
 * What a CommonJS module exports, when it was imported dynamically: bundlers that split a program into several files
 * give it as `default` only, runtimes also by name.
 *
 * @param module What `import()` resolved to.
 */
export function exportsOf<T extends object>(module: T): T {
  // What is under `default` is what the names are taken from.
  return "default" in module ? module.default as T : module;
}
