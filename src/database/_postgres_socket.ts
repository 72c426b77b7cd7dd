import { connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { DatabaseError } from "./database_error.ts";
import { databaseError } from "./_postgres_errors.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";
import { TLS_ACCEPTED, TLS_REQUEST } from "./_tls_request.ts";
import { connectVerified, needsVerifiedTls } from "./_verified_tls.ts";

/** How long a server may take to answer a new connection, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** A connection to a server, as `node:net` has one. */
export type PostgresSocket = Duplex & { ref(): unknown; unref(): unknown };

/**
 * Opens a socket to the server, encrypted where the address says so. It does not keep the process alive:
 * statements under way do that.
 *
 * @param address Where the server is.
 * @throws {DatabaseError} `host_not_found`, `server_unreachable` or `tls_failed`.
 */
export async function openSocket(address: PostgresAddress): Promise<PostgresSocket> {
  const path = address.host.startsWith("/") ? `${address.host}/.s.PGSQL.${address.port}` : null;
  if (path !== null || address.tls === false || !needsVerifiedTls(globalThis.Deno?.version.deno)) {
    return await openNodeSocket(address, path);
  }
  const socket = await connectVerified(address, CONNECT_TIMEOUT_MS).catch((error) => {
    throw explain(error, address);
  });
  socket?.unref();
  return socket ?? await openNodeSocket({ ...address, tls: false }, path);
}

/** @param path Of the Unix socket, if it is one. */
async function openNodeSocket(address: PostgresAddress, path: string | null): Promise<Socket> {
  const { host, port } = address;
  const plain = path === null ? connect({ host, port }) : connect({ path });
  const timer = setTimeout(() => plain.destroy(new Error("it does not answer")), CONNECT_TIMEOUT_MS);
  try {
    await happened(plain, "connect");
    // Not as an option: Deno 2.1 does not know it.
    if (path === null) plain.setNoDelay(true);
    const socket = path === null && await encrypts(plain, address) ? await encrypt(plain, address) : plain;
    plain.unref();
    socket.unref();
    return socket;
  } catch (error) {
    plain.destroy();
    throw explain(error, address);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the server whether it encrypts, if that is wanted. */
async function encrypts(plain: Socket, address: PostgresAddress): Promise<boolean> {
  const { tls } = address;
  if (tls === false) return false;
  plain.write(TLS_REQUEST);
  const [answer] = await happened(plain, "data");
  if (answer instanceof Uint8Array && answer[0] === TLS_ACCEPTED) return true;
  if (tls === "prefer") return false;
  throw databaseError("tls_failed", "the server does not encrypt", address);
}

async function encrypt(plain: Socket, address: PostgresAddress): Promise<Socket> {
  const { host, tls } = address;
  const verified = typeof tls === "object";
  const socket = connectTls({
    socket: plain,
    // An address can't be announced; what is verified is told apart from that.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: verified,
    ...(verified && tls.ca !== undefined ? { ca: tls.ca } : {}),
    checkServerIdentity: (_, certificate) =>
      verified && tls.verifyHost ? checkServerIdentity(host, certificate) : undefined,
  });
  // Errors of the TCP connection underneath come by way of the encrypted one.
  plain.on("error", () => {});
  try {
    await happened(socket, "secureConnect");
    return socket;
  } catch (error) {
    socket.destroy();
    const why = error instanceof Error ? error.message : String(error);
    throw databaseError("tls_failed", why, address);
  }
}

function explain(error: unknown, address: PostgresAddress): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseError) return error;
  const code = "code" in error ? String(error.code) : "";
  if (error.name === "NotCapable" || error.name === "PermissionDenied") return error;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || /lookup address/i.test(error.message)) {
    return databaseError("host_not_found", "the name has no address", address);
  }
  return databaseError("server_unreachable", code === "" ? error.message : code, address);
}

/** Waits for an event of a socket; rejects when it fails or closes instead. */
function happened(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const settle = (action: () => void) => {
      socket.off(event, succeed).off("error", fail).off("close", close);
      action();
    };
    const succeed = (...values: unknown[]) => settle(() => resolve(values));
    const fail = (error: unknown) => settle(() => reject(error));
    const close = () => settle(() => reject(new Error("it hangs up")));
    socket.on(event, succeed).on("error", fail).on("close", close);
  });
}
