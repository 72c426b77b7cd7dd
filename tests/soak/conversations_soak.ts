import { preparePython } from "../python_main.ts";
import { crossAtRandom } from "../state/_random_crossings.ts";
import type { SoakOptions } from "./main.ts";

/** Random conversations that go from one language to the other and back. */
export async function soak({ seed, endsAt }: SoakOptions): Promise<void> {
  const begunAt = Date.now();
  if (await preparePython() === null) return;
  const preparedMs = Date.now() - begunAt;
  const { crossed, refused, unrunnable } = await crossAtRandom({
    seed,
    count: 1_000_000,
    endsAt: endsAt + preparedMs,
  });
  console.log(
    `${crossed} conversations crossed, ${refused} were refused, ${unrunnable} are not for both languages`,
  );
}
