import { consumeResult } from "./consume_result.ts";

/**
 * What `runAgent` does with a result unless it is told otherwise: reads a stream to its end, waits for everything
 * in the background, and hands the result on. The same as {@linkcode consumeResult}.
 */
export const defaultResultProcessor: typeof consumeResult = consumeResult;
