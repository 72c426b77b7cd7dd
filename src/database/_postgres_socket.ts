import { connect, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { DatabaseError } from "./database_error.ts";
import { databaseError } from "./_postgres_errors.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";

/** The driver begins again by itself, without end, when a server hangs up before it has said anything. */
const MAX_SILENT_HANGUPS = 3;

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: length 8, code 80877103. */
const TLS_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);
const TLS_ACCEPTED = "S".charCodeAt(0);

/**
 * Makes the driver's sockets, encrypted already where the address says so. They do not keep the process alive:
 * statements under way do that.
 */
export class SocketSource {
  readonly #address: PostgresAddress;
  readonly #timeoutMs: number;
  #hangups = 0;

  /**
   * @param address Where the server is.
   * @param timeoutMs How long a connection may take, in milliseconds.
   */
  constructor(address: PostgresAddress, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Opens a socket.
   *
   * @throws {DatabaseError} `host_not_found`, `server_unreachable` or `tls_failed`.
   */
  async open(): Promise<Socket> {
    if (this.#hangups >= MAX_SILENT_HANGUPS) {
      this.#hangups = 0;
      throw databaseError("server_unreachable", "it hangs up", this.#address);
    }
    const { host, port } = this.#address;
    const path = host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : null;
    const plain = path === null ? connect({ host, port, noDelay: true }) : connect({ path });
    const timer = setTimeout(() => plain.destroy(new Error("it does not answer")), this.#timeoutMs);
    try {
      await happened(plain, "connect");
      const socket = path === null && await this.#encrypts(plain) ? await this.#encrypt(plain) : plain;
      socket.once("close", () => void (this.#hangups++));
      plain.unref();
      socket.unref();
      return socket;
    } catch (error) {
      plain.destroy();
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The server has answered: it is one that can be talked to. */
  answered(): void {
    this.#hangups = 0;
  }

  /** Asks the server whether it encrypts, if that is wanted. */
  async #encrypts(plain: Socket): Promise<boolean> {
    const { tls } = this.#address;
    if (tls === false || (tls === "prefer" && !canUpgradeToTls())) return false;
    if (!canUpgradeToTls()) {
      const why =
        `this runtime, Deno ${Deno.version.deno}, can't turn an open connection into an encrypted one`;
      throw databaseError("tls_failed", why, this.#address);
    }
    plain.write(TLS_REQUEST);
    const [answer] = await happened(plain, "data");
    if (answer instanceof Uint8Array && answer[0] === TLS_ACCEPTED) return true;
    if (tls === "prefer") return false;
    throw databaseError("tls_failed", "the server does not encrypt", this.#address);
  }

  async #encrypt(plain: Socket): Promise<Socket> {
    const { host, tls } = this.#address;
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
      throw databaseError("tls_failed", why, this.#address);
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof DatabaseError) return error;
    const code = "code" in error ? String(error.code) : "";
    if (error.name === "NotCapable" || error.name === "PermissionDenied") return error;
    if (code === "ENOTFOUND" || code === "EAI_AGAIN" || /lookup address/i.test(error.message)) {
      return databaseError("host_not_found", "the name has no address", this.#address);
    }
    return databaseError("server_unreachable", code === "" ? error.message : code, this.#address);
  }
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

/** Deno 2.1, on which Supabase's edge runtime is built, waits for ever when `node:tls` is given a socket. */
function canUpgradeToTls(): boolean {
  return typeof Deno === "undefined" || !/^(1|2\.[01])\./.test(Deno.version.deno);
}
