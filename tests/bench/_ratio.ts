/**
 * Measures things side by side: every round runs each contender once, in turning order, and a contender's
 * figure is the median of its round-by-round ratios to the first. A machine that slows down slows all of
 * them, so the ratio stays.
 *
 * @module
 */

/** One of the things that are compared. */
export interface Contender {
  /** What the table calls it. */
  name: string;
  /** The largest ratio to the baseline that is good enough; nothing is judged without it. */
  target?: number;
  /** Does it once; returns the milliseconds if it measures them itself, else they are taken from outside. */
  run(): unknown;
}

/** What was measured of one contender. */
export interface Measurement {
  name: string;
  /** Median of the milliseconds of all rounds. */
  milliseconds: number;
  /** Median of the ratios to the baseline's milliseconds of the same round; 1 for the baseline. */
  ratio: number;
  /** The quartiles of these ratios: how far to trust the median. */
  quartiles: [number, number];
  target?: number;
}

/** How often to measure. */
export interface CompareOptions {
  /** Counted rounds. @default {15} */
  rounds?: number;
  /** Rounds before them that are not counted. @default {2} */
  warmUps?: number;
}

/**
 * Measures contenders against the first of them and prints a table.
 *
 * @param title Stands above the table.
 * @param contenders The baseline, then what is compared with it.
 * @returns The rows of the table, in the order given.
 */
export async function compare(
  title: string,
  contenders: readonly Contender[],
  { rounds = 15, warmUps = 2 }: CompareOptions = {},
): Promise<Measurement[]> {
  const times: number[][] = contenders.map(() => []);
  for (let round = -warmUps; round < rounds; round++) {
    for (let position = 0; position < contenders.length; position++) {
      const index = (position + round + warmUps) % contenders.length;
      const milliseconds = await time(contenders[index] as Contender);
      if (round >= 0) times[index]?.push(milliseconds);
    }
  }
  const measurements = contenders.map((contender, index) =>
    measure(contender, times[index] ?? [], times[0] ?? [])
  );
  printMeasurements(title, measurements);
  return measurements;
}

async function time(contender: Contender): Promise<number> {
  const start = performance.now();
  const own: unknown = await contender.run();
  return typeof own === "number" ? own : performance.now() - start;
}

function measure(contender: Contender, times: number[], baseline: number[]): Measurement {
  const ratios = times.map((milliseconds, round) => milliseconds / (baseline[round] ?? NaN));
  return {
    name: contender.name,
    milliseconds: quantile(times, 0.5),
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    ...(contender.target === undefined ? {} : { target: contender.target }),
  };
}

/** The value below which `fraction` (0 to 1) of `values` lie, interpolated; `NaN` of none. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * fraction;
  const low = sorted[Math.floor(place)] ?? NaN;
  const high = sorted[Math.ceil(place)] ?? NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/** Prints what was measured, a line a contender: milliseconds, ratio, quartiles of the ratio, target. */
export function printMeasurements(title: string, measurements: readonly Measurement[]): void {
  console.log(`\n${title}`);
  const width = Math.max(...measurements.map(({ name }) => name.length));
  for (const { name, milliseconds, ratio, quartiles: [low, high], target } of measurements) {
    const judged = target === undefined
      ? ""
      : `   target <= ${target}x: ${ratio <= target ? "met" : "MISSED"}`;
    const spread = `${ratio.toFixed(3)}x  (${low.toFixed(3)} to ${high.toFixed(3)})`;
    console.log(`  ${name.padEnd(width)}  ${milliseconds.toFixed(2).padStart(10)} ms  ${spread}${judged}`);
  }
}

/** A figure beside its target, for figures that are no ratios: `3.1 ms (target <= 5: met)`. */
export function judge(value: number, target: number, unit: string): string {
  return `${value.toFixed(1)} ${unit} (target <= ${target}: ${value <= target ? "met" : "MISSED"})`;
}
