import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { databaseError } from "./_postgres_errors.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";
import { TLS_ACCEPTED, TLS_REQUEST } from "./_tls_request.ts";

/** As much as one record of TLS holds. */
const CHUNK_BYTES = 16 * 1024;

/**
 * Whether `node:tls` can't turn an open connection into an encrypted one: so it is in Deno 2.1, at whose level
 * Supabase's edge runtime is, which calls itself `supabase-edge-runtime-1.74.2 (compatible with Deno v2.1.4)`.
 *
 * @param version `Deno.version.deno`; undefined elsewhere than in Deno.
 */
export function needsVerifiedTls(version: string | undefined): boolean {
  return version !== undefined && /(?:^|Deno v)(?:1|2\.[01])\./.test(version);
}

/**
 * Opens an encrypted connection with Deno's own functions, which always verify certificate and host name: whatever
 * the address asks for gets at least what it asks for. The certificates that the runtime trusts are trusted beside
 * those of the address.
 *
 * @param address Where the server is.
 * @param timeoutMs How long that may take, in milliseconds.
 * @returns The connection; null when there is to be an unencrypted one in its place.
 * @throws {DatabaseError} `tls_failed`; what `Deno.connect()` throws when the server is not reached.
 */
export async function connectVerified(
  address: PostgresAddress,
  timeoutMs: number,
): Promise<ConnectionSocket | null> {
  const connecting = Deno.connect({ hostname: address.host, port: address.port });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("it does not answer")), timeoutMs);
  });
  const opening = connecting.then((connection) => encrypt(connection, address));
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    connecting.then(close, () => {});
    opening.then((socket) => socket?.destroy(), () => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function encrypt(connection: Deno.TcpConn, address: PostgresAddress): Promise<ConnectionSocket | null> {
  connection.setNoDelay();
  await writeAll(connection, TLS_REQUEST);
  const answer = new Uint8Array(1);
  if (await connection.read(answer) === null) throw new Error("it hangs up");
  if (answer[0] !== TLS_ACCEPTED) {
    close(connection);
    if (address.tls === "prefer") return null;
    throw databaseError("tls_failed", "the server does not encrypt", address);
  }
  try {
    return new ConnectionSocket(await startTls(connection, address));
  } catch (error) {
    close(connection);
    if (address.tls === "prefer") return null;
    const why = error instanceof Error ? error.message : String(error);
    throw databaseError("tls_failed", `${why}${verifiesMore(address) ? EXPLANATION : ""}`, address);
  }
}

async function startTls(connection: Deno.TcpConn, { host, tls }: PostgresAddress): Promise<Deno.TlsConn> {
  const caCerts = typeof tls === "object" && tls.ca !== undefined ? [tls.ca] : [];
  const encrypted = await Deno.startTls(connection, { hostname: host, caCerts });
  try {
    await encrypted.handshake();
    return encrypted;
  } catch (error) {
    close(encrypted);
    throw error;
  }
}

/** Whether more is verified than the address asks for. */
function verifiesMore({ tls }: PostgresAddress): boolean {
  return typeof tls !== "object" || !tls.verifyHost;
}

const EXPLANATION =
  "; this runtime encrypts only when it can verify certificate and host name: give the authority's certificate " +
  "as sslrootcert and the host's name as it is in the certificate";

/** A connection of Deno's as a socket of Node's, as far as drivers use one. */
class ConnectionSocket extends Duplex {
  readonly #connection: Deno.Conn;

  constructor(connection: Deno.Conn) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
  }

  /** As `node:net` says it. */
  get readyState(): string {
    return this.destroyed || this.writableEnded ? "closed" : "open";
  }

  ref(): this {
    this.#connection.ref();
    return this;
  }

  unref(): this {
    this.#connection.unref();
    return this;
  }

  override _read(): void {
    const chunk = new Uint8Array(CHUNK_BYTES);
    this.#connection.read(chunk).then(
      (count) => this.push(count === null ? null : Buffer.from(chunk.buffer, 0, count)),
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    writeAll(this.#connection, chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // Who hangs up first is of no matter.
    this.#connection.closeWrite().catch(() => {}).finally(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    close(this.#connection);
    done(error);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) start += await connection.write(bytes.subarray(start));
}

/** Closes what may be closed already, or have become an encrypted connection. */
function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
