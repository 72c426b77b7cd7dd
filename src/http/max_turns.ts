/**
 * How many times a run may ask its model: for all agents, or by their names. `null`: as often as it likes. What is left
 * out is as the Agents SDK has it, 10.
 */
export type MaxTurns = number | null | Readonly<Record<string, number | null>>;

/** The limit of an agent's runs; `undefined`: the SDK's own. */
export type TurnLimitOf = (agentName: string) => number | null | undefined;

/**
 * Reads the limits.
 *
 * @param agentNames Of the agents that are served.
 * @throws {TypeError} When it names another one.
 * @throws {RangeError} When one is no positive integer.
 */
export function turnLimits(maxTurns: MaxTurns | undefined, agentNames: readonly string[]): TurnLimitOf {
  if (maxTurns === undefined) return () => undefined;
  const isOne = maxTurns === null || typeof maxTurns === "number";
  const limits = new Map(Object.entries(isOne ? {} : maxTurns));
  for (const name of limits.keys()) {
    if (agentNames.includes(name)) continue;
    throw new TypeError(`Cannot serve agents: maxTurns names "${name}", which is not among them.`);
  }
  for (const limit of isOne ? [maxTurns] : limits.values()) {
    if (limit === null || Number.isInteger(limit) && limit > 0) continue;
    throw new RangeError(`Cannot serve agents: maxTurns is ${limit}, not a positive integer or null.`);
  }
  return isOne ? () => maxTurns : (name) => limits.get(name);
}
