import { assert, assertEquals } from "@std/assert";
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { deno } from "../_child.ts";
import { supabaseCli } from "./_cli.ts";

const cli = await supabaseCli();
const ROOT = new URL("../../", import.meta.url).pathname;
const PROJECT = "abcdefghijklmnopqrst";

Deno.test({
  name: "supabase functions deploy sends all that the functions need",
  ignore: cli === undefined,
  async fn() {
    if (!cli) return;
    const folder = await Deno.makeTempDir({ prefix: "timestep-deploy-" });
    await using api = managementApi();
    await Deno.writeTextFile(
      `${folder}/profile.yaml`,
      ["api_url", "dashboard_url"].map((name) => `${name}: ${api.url}\n`).join("") +
        "name: test\nproject_host: supabase.local\npooler_host: supabase.local\n",
    );
    // It leaves files behind.
    for (const part of ["deno.json", "mod.ts", "src", "functions", "supabase"]) {
      cpSync(join(ROOT, part), join(folder, "project", part), { recursive: true });
    }
    const args = ["functions", "deploy", "agents", "worker", "--use-api", `--remote=${PROJECT}`];
    const { code, text } = await cli(`${folder}/project`, [...args, "--profile", `${folder}/profile.yaml`], {
      SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    });
    assertEquals(code, 0, text);
    assert(!/WARN|failed/i.test(text), text);
    assertEquals(api.deployed.map(({ slug }) => slug).sort(), ["agents", "worker"]);
    for (const { slug, metadata, files } of api.deployed) {
      assertEquals(metadata["verify_jwt"], false);
      assertEquals(metadata["entrypoint_path"], `functions/${slug}/index.ts`);
      for (const [name, text] of files) {
        await Deno.mkdir(dirname(join(folder, slug, name)), { recursive: true });
        await Deno.writeTextFile(join(folder, slug, name), text);
      }
      const info = await deno(["info", "--json", join(folder, slug, `functions/${slug}/index.ts`)]);
      const { modules } = JSON.parse(info.text) as { modules: { specifier: string; error?: string }[] };
      assert(modules.length > 100, `${modules.length} modules`);
      assertEquals(modules.filter(({ error }) => error !== undefined), []);
    }
    await Deno.remove(folder, { recursive: true });
  },
});

interface Deployed {
  slug: string;
  metadata: Record<string, unknown>;
  files: Map<string, string>;
}

interface ManagementApi extends AsyncDisposable {
  url: string;
  /** What was sent. */
  deployed: Deployed[];
}

/** As much of Supabase's Management API as a deployment needs. */
function managementApi(): ManagementApi {
  const deployed: Deployed[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/functions/deploy")) {
      const slug = searchParams.get("slug") ?? "";
      const form = await request.formData();
      const files = new Map<string, string>();
      for (const file of form.getAll("file")) {
        if (file instanceof File) files.set(file.name, await file.text());
      }
      deployed.push({ slug, metadata: JSON.parse(String(form.get("metadata"))), files });
      return Response.json({ ...FUNCTION, id: slug, slug, name: slug }, { status: 201 });
    }
    if (pathname.endsWith("/functions")) return Response.json([]);
    return Response.json({ id: PROJECT, ref: PROJECT, name: "test", status: "ACTIVE_HEALTHY" });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    deployed,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const FUNCTION = { version: 1, status: "ACTIVE", "created_at": 1, "updated_at": 1, "verify_jwt": false };
