import { crossAtRandom } from "../state/_random_crossings.ts";
import type { SoakOptions } from "./main.ts";

/** Random conversations that go from one language to the other and back. Needs the environment that the tests make. */
export async function soak({ seed, endsAt }: SoakOptions): Promise<void> {
  const { crossed, refused, unrunnable } = await crossAtRandom({ seed, count: 1_000_000, endsAt });
  console.log(
    `${crossed} conversations crossed, ${refused} were refused, ${unrunnable} are not for both languages`,
  );
}
