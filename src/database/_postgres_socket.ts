import { connect, type Socket } from "node:net";
import { databaseError } from "./_postgres_errors.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";

/** The driver begins again by itself, without end, when a server hangs up before it has said anything. */
const MAX_SILENT_HANGUPS = 3;

/** Makes the driver's sockets. They do not keep the process alive: statements under way do that. */
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
   * @throws {DatabaseError} `host_not_found` or `server_unreachable`.
   */
  async open(): Promise<Socket> {
    const { host, port } = this.#address;
    if (this.#hangups >= MAX_SILENT_HANGUPS) {
      this.#hangups = 0;
      throw databaseError("server_unreachable", "it hangs up at once", this.#address);
    }
    const socket = host.startsWith("/")
      ? connect({ path: `${host}/.s.PGSQL.${port}` })
      : connect({ host, port, noDelay: true });
    await this.#connected(socket);
    // For TLS, the driver takes the name to be verified from here.
    Object.assign(socket, { host, port });
    socket.once("close", () => void (this.#hangups++));
    socket.unref();
    return socket;
  }

  /** The server has answered: it is one that can be talked to. */
  answered(): void {
    this.#hangups = 0;
  }

  async #connected(socket: Socket): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error("it does not answer")), this.#timeoutMs);
        socket.once("connect", resolve).once("error", reject);
      });
    } catch (error) {
      socket.destroy();
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
      socket.removeAllListeners();
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const code = "code" in error ? String(error.code) : "";
    if (error.name === "NotCapable" || error.name === "PermissionDenied") return error;
    if (code === "ENOTFOUND" || code === "EAI_AGAIN" || /lookup address/i.test(error.message)) {
      return databaseError("host_not_found", "the name has no address", this.#address);
    }
    return databaseError("server_unreachable", code === "" ? error.message : code, this.#address);
  }
}
