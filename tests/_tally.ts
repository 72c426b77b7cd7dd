/** How many tests ended how. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Reads the summary of `deno test`.
 *
 * @param code Its exit code: one that stopped before or beside its tests counts as a failure.
 * @param text What it wrote.
 */
export function readTally(code: number, text: string): Tally {
  const lines = [
    ...text.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?:.*? \| (\d+) ignored)?/gm),
  ];
  const [, passed = "0", failed = "0", skipped = "0"] = lines.at(-1) ?? [];
  const tally = { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
  if (code !== 0 && tally.failed === 0) tally.failed = 1;
  return tally;
}

/**
 * Reads the summary of pytest, its last line: `3 failed, 120 passed, 2 skipped in 9.99s`.
 *
 * @param code Its exit code: one that stopped before or beside its tests counts as a failure.
 * @param text What it wrote.
 */
export function readPytestTally(code: number, text: string): Tally {
  const summary =
    [...text.matchAll(/^.*\b(?:passed|failed|error|skipped)\b.* in [\d.]+s.*$/gm)].at(-1)?.[0] ?? "";
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  const tally = {
    passed: count("passed"),
    failed: count("failed") + count("error"),
    skipped: count("skipped"),
  };
  if (code !== 0 && tally.failed === 0) tally.failed = 1;
  return tally;
}

/** Adds up. */
export function sum(tallies: readonly Tally[]): Tally {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of tallies) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** The line that closes a run: `12 passed, 0 failed`, and `, 2 skipped` when some were. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Reads such a line: the last one in `text`, `null` when there is none. */
export function readTallyLine(text: string): Tally | null {
  const match = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (!match) return null;
  const [, passed, failed, skipped = "0"] = match;
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}
