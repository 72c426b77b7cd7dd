/** Certificates for a server of the test's own, made with openssl. */
export interface Certificates extends AsyncDisposable {
  /** The server's, for localhost and not for 127.0.0.1, and its key. */
  readonly files: { "server.crt": string; "server.key": string };
  /** The file with the authority that has signed it. */
  readonly authority: string;
}

/** Whether openssl is there. */
export function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Makes an authority and a certificate of it. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "timestep-tls-" });
  const at = (name: string) => `${folder}/${name}`;
  const request = ["req", "-new", "-nodes", "-newkey", "rsa:2048"];
  await openssl([...request, "-x509", "-days", "2", "-subj", "/CN=Test authority"]
    .concat("-out", at("authority.crt"), "-keyout", at("authority.key")));
  await openssl([
    ...request,
    "-subj",
    "/CN=localhost",
    "-out",
    at("server.csr"),
    "-keyout",
    at("server.key"),
  ]);
  await Deno.writeTextFile(at("extensions"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n");
  await openssl(
    ["x509", "-req", "-days", "2", "-in", at("server.csr"), "-out", at("server.crt")]
      .concat("-CA", at("authority.crt"), "-CAkey", at("authority.key"), "-CAcreateserial")
      .concat("-extfile", at("extensions")),
  );
  return {
    files: {
      "server.crt": await Deno.readTextFile(at("server.crt")),
      "server.key": await Deno.readTextFile(at("server.key")),
    },
    authority: at("authority.crt"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command("openssl", { args: [...args], stdout: "null", stderr: "null" })
    .output();
  if (!success) throw new Error("Cannot make a certificate: openssl failed");
}
