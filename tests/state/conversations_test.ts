import { assert } from "@std/assert";
import { isPythonThere } from "./_python_peer.ts";
import { crossAtRandom } from "./_random_crossings.ts";

/** Always the same ones here; the soak draws others. */
const SEED = 20_260_101;

Deno.test({
  name: "random conversations go on in the other language as they would have, or are refused",
  ignore: !isPythonThere(),
  fn: async () => {
    const { crossed, refused, unrunnable } = await crossAtRandom({ seed: SEED, count: 40 });
    console.log(`${crossed} crossed, ${refused} were refused, ${unrunnable} could not begin`);
    assert(crossed > 20, "Hardly any conversation crossed");
  },
});
if (!isPythonThere()) {
  console.log("Skipped: random conversations, without python/.venv (deno task test makes it)");
}
