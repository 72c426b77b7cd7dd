/**
 * Runs the checks and tests of the Python package: `deno run -A tests/python_main.ts [arguments of pytest]`.
 *
 * Makes `python/.venv` with the versions in `python/requirements.lock`, once for each state of that file. Without a
 * Python >= 3.10 it says so and ends well; with `--required` that is an error. The last line is pytest's own.
 *
 * @module
 */
import { type Ended, runProgram } from "./_child.ts";

const PACKAGE = new URL("../python/", import.meta.url);
const LOCK = new URL("requirements.lock", PACKAGE);
const ENVIRONMENT = new URL(".venv/", PACKAGE);
const STAMP = new URL("installed.lock", ENVIRONMENT);
const WINDOWS = Deno.build.os === "windows";
const CANDIDATES = [
  "python3",
  "python3.14",
  "python3.13",
  "python3.12",
  "python3.11",
  "python3.10",
  "python",
];

if (import.meta.main) {
  const python = await preparePython();
  if (python === null) Deno.exit(Deno.args.includes("--required") ? 1 : 0);
  const args = Deno.args.filter((arg) => arg !== "--required");
  // With arguments it is about some tests.
  const checked = args.length > 0 ? 0 : (await checkPython(python, { show: true })).code;
  Deno.exit(checked || (await testPython(python, { args, show: true })).code);
}

/**
 * Makes the environment of the Python package's tests; those that cross languages use it, too.
 *
 * @returns The Python in it, or `null`, and it says so, when there is no Python >= 3.10 on this machine.
 */
export async function preparePython(): Promise<string | null> {
  const system = await findPython();
  if (system !== null) return await environment(system);
  console.log("Python 3.10 or newer was not found: the tests of the Python package are left out.");
  return null;
}

/**
 * Checks the Python package: formatting, lint, types.
 *
 * @param python What {@linkcode preparePython} gave.
 * @param options Whether to show what is written as it comes.
 */
export async function checkPython(
  python: string,
  { show = false }: { show?: boolean } = {},
): Promise<Ended> {
  for (
    const check of [["-m", "ruff", "format", "--check", "-q"], ["-m", "ruff", "check", "-q"], ["-m", "mypy"]]
  ) {
    const { code, text } = await run(python, check, show);
    if (code !== 0) return { code, text };
  }
  return { code: 0, text: "Nothing found." };
}

/**
 * Tests the Python package.
 *
 * @param python What {@linkcode preparePython} gave.
 * @param options Further arguments for pytest, and whether to show what is written as it comes.
 */
export async function testPython(
  python: string,
  { args = [], show = false }: { args?: readonly string[]; show?: boolean } = {},
): Promise<Ended> {
  return await run(python, ["-m", "pytest", "-q", ...args], show);
}

/** The first Python that is new enough; `PYTHON` names another one. */
async function findPython(): Promise<string | null> {
  const named = Deno.env.get("PYTHON");
  for (const name of named ? [named] : CANDIDATES) {
    const check = ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"];
    try {
      if ((await run(name, check, false)).code === 0) return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

/** The Python of the virtual environment, which is made anew when the lock has changed. */
async function environment(system: string): Promise<string> {
  const directory = decodeURIComponent(ENVIRONMENT.pathname);
  const python = `${directory}${WINDOWS ? "Scripts/python.exe" : "bin/python"}`;
  const wanted = await Deno.readTextFile(LOCK);
  if (await Deno.readTextFile(STAMP).catch(() => "") === wanted) return python;
  console.log("Installing what the Python package is tested with (python/requirements.lock)");
  await mustRun(system, ["-m", "venv", "--clear", directory]);
  const install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r"];
  await mustRun(python, [...install, decodeURIComponent(LOCK.pathname)]);
  await Deno.writeTextFile(STAMP, wanted);
  return python;
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { code, text } = await run(program, args, false);
  if (code !== 0) {
    throw new Error(`The Python tests could not be prepared: ${program} ${args.join(" ")}\n${text}`);
  }
}

/** Runs a program in the package's folder. */
function run(program: string, args: readonly string[], show: boolean): Promise<Ended> {
  return runProgram(program, args, { cwd: PACKAGE, env: { PYTHONDONTWRITEBYTECODE: "1" }, show });
}
