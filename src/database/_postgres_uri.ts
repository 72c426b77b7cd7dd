import { readFileSync } from "node:fs";
import { DatabaseError } from "./database_error.ts";

/** What a connection URI says. */
export interface PostgresAddress {
  /** The host's name or address; a folder, beginning with a slash, for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Empty when the URI names none. */
  readonly user: string;
  readonly password: string;
  /** Empty when the URI names none. */
  readonly database: string;
  readonly tls: TlsMode;
  /** Sent to the server when a connection begins. */
  readonly settings: Readonly<Record<string, string>>;
}

/** As libpq's `sslmode`: off; encrypted if the server can; encrypted; or with a certificate that is checked. */
export type TlsMode = false | "prefer" | "require" | { readonly ca?: string; readonly verifyHost: boolean };

/**
 * Reads a URI, https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS, of one host.
 * Parameters that are meant for other drivers (`pgbouncer`, `connection_limit`, ...) are ignored.
 *
 * @param text `postgres://user:password@host:port/database?sslmode=...`.
 * @throws {DatabaseError} `connection_string_invalid`, without showing the URI.
 */
export function parsePostgresUri(text: string): PostgresAddress {
  const uri = parse(text);
  const parameters = uri.searchParams;
  const settings: Record<string, string> = { ["application_name"]: "timestep" };
  for (const name of ["application_name", "options"]) {
    const value = parameters.get(name);
    if (value) settings[name] = value;
  }
  return {
    host: parseHost(parameters.get("host") || decode(uri.hostname)),
    port: parsePort(uri.port || parameters.get("port") || "5432"),
    user: decode(uri.username) || parameters.get("user") || "",
    password: decode(uri.password) || parameters.get("password") || "",
    database: decode(uri.pathname.slice(1)) || parameters.get("dbname") || "",
    tls: tlsMode(parameters),
    settings,
  };
}

function parse(text: string): URL {
  // Without a host (a Unix socket is named by a parameter) this is a URI to libpq, but not to the web's standard.
  const uri = URL.parse(text.replace(/^(\w+:\/\/[^/?#]*@)\//, "$1localhost/"));
  // An @ behind the host is the real one's: a password with a bare / or ? has ended the address too early, and what
  // is taken for the host is part of it.
  if (uri === null || uri.hash !== "" || `${uri.pathname}${uri.search}`.includes("@")) {
    throw invalid(
      "it is not a URI of one host, or it holds characters that must be percent-encoded (# is %23, / is %2F, " +
        "? is %3F, @ is %40)",
    );
  }
  return uri;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("it holds a % that begins no percent-encoded character (a % itself is %25)");
  }
}

/** libpq takes several, in turn; the driver would try them for ever. */
function parseHost(text: string): string {
  if (text.includes(",")) throw invalid("it names several hosts, and may name one");
  return text.replace(/^\[(.*)\]$/, "$1") || "localhost";
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw invalid("its port is not between 1 and 65535");
  }
  return port;
}

function tlsMode(parameters: URLSearchParams): TlsMode {
  const unknown = [...parameters.keys()].find((name) =>
    name.startsWith("ssl") && !["ssl", "sslmode", "sslrootcert"].includes(name)
  );
  if (unknown !== undefined) {
    throw invalid(`it has the parameter ${unknown}; sslmode and sslrootcert are known`);
  }
  const file = parameters.get("sslrootcert");
  const system = file === "system";
  const mode = parameters.get("sslmode") ?? parameters.get("ssl") ?? (system ? "verify-full" : "prefer");
  switch (mode) {
    case "disable":
    case "false":
      return false;
    case "allow":
    case "prefer":
      return "prefer";
    case "require":
    case "true":
      // With a root certificate at hand libpq checks against it, too.
      return file ? { ...authority(file), verifyHost: false } : "require";
    case "verify-ca":
      return { ...authority(file), verifyHost: false };
    case "verify-full":
      return { ...authority(file), verifyHost: true };
    default:
      throw invalid(
        `its sslmode is ${JSON.stringify(mode)}; known are disable, prefer, require, verify-ca, verify-full`,
      );
  }
}

/** The certificates to trust: those of a file, or (none) those that the runtime trusts. */
function authority(file: string | null): { ca?: string } {
  if (!file || file === "system") return {};
  try {
    return { ca: readFileSync(file, "utf8") };
  } catch (error) {
    throw invalid(`its sslrootcert can't be read: ${error instanceof Error ? error.message : error}`);
  }
}

function invalid(why: string): DatabaseError {
  return new DatabaseError(
    "connection_string_invalid",
    `Cannot open the database: the connection string can't be used: ${why}. ` +
      "Use postgres://user:password@host:5432/database?sslmode=require.",
  );
}
