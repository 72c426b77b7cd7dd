import { timingSafeEqual } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { ClientMessages } from "./client_messages.ts";
import { Seat } from "./seat.ts";
import {
  AUTHENTICATED_BYTES,
  fatal,
  NO_ENCRYPTION,
  parameterStatus,
  PASSWORD_WANTED,
} from "./server_messages.ts";
import { withoutCopy } from "./unsupported_statement.ts";

/** How long a client waits for the one before it: a program that opens its next connection has just closed one. */
const PATIENCE_MS = 2_000;

const ENCRYPTION_WANTED = [80877103, 80877104]; // SSLRequest, GSSENCRequest
const CANCEL_WANTED = 80877102;
const MAX_PASSWORD_BYTES = 1_000;

/**
 * Serves a PGlite instance over Postgres's protocol, on this machine alone and to one client at a time: the instance is
 * one session, and two clients in it would find each other's transactions and prepared statements. A second one
 * waits for two seconds and is then refused; each begins with a session as new.
 */
export class PGliteServer {
  readonly #instance: PGlite;
  readonly #password: string;
  readonly #listener: Deno.TcpListener;
  readonly #seat = new Seat();
  readonly #stop = Promise.withResolvers<typeof STOPPED>();
  readonly #clients = new Set<Promise<void>>();
  /** Ends when the server does; rejects when the engine has failed. */
  readonly finished: Promise<void>;

  /**
   * Begins to serve.
   *
   * @param instance What is served. Nobody else may use it meanwhile.
   * @param options The port, 0 for a free one, and the password that clients have to know.
   * @throws {Deno.errors.AddrInUse} When the port is taken.
   */
  constructor(instance: PGlite, { port, password }: { port: number; password: string }) {
    this.#instance = instance;
    this.#password = password;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.finished = this.#accept();
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Lets nobody in any more, and sends away whoever is there once its statement has ended. */
  stop(): void {
    this.#stop.resolve(STOPPED);
  }

  async #accept(): Promise<void> {
    const stopped = this.#stop.promise.finally(() => this.#listener.close());
    stopped.catch(() => {});
    try {
      for await (const connection of this.#listener) {
        connection.setNoDelay();
        const client = this.#serve(connection).finally(() => {
          connection.close();
          this.#clients.delete(client);
        });
        this.#clients.add(client);
      }
    } finally {
      await Promise.allSettled(this.#clients);
    }
    await stopped;
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    try {
      const messages = new ClientMessages(connection);
      const startup = await this.#orStop(this.#admit(connection, messages));
      if (startup === null) return;
      if (!await this.#orStop(this.#seat.take(PATIENCE_MS))) return await write(connection, OCCUPIED);
      try {
        await this.#relay(connection, messages, startup);
      } finally {
        await this.#reset();
        this.#seat.leave();
      }
    } catch (error) {
      if (error === STOPPED) await write(connection, GOING_DOWN).catch(() => {});
      // A client may break off, or speak another protocol: that is its own matter.
      else if (error instanceof EngineError) this.#stop.reject(error.cause);
    }
  }

  /** The packet with which a client begins, once it has shown that it knows the password; null when it is not let in. */
  async #admit(connection: Deno.Conn, messages: ClientMessages): Promise<Uint8Array | null> {
    for (;;) {
      const packet = await messages.packet();
      if (packet === null) return null;
      const code = new DataView(packet.buffer).getInt32(4);
      if (code === CANCEL_WANTED) return null; // A statement can't be interrupted: WebAssembly runs it in one go.
      if (!ENCRYPTION_WANTED.includes(code)) {
        await write(connection, PASSWORD_WANTED);
        const answer = await messages.message(MAX_PASSWORD_BYTES);
        if (answer === null) return null;
        if (isSame(new TextDecoder().decode(answer.subarray(5, -1)), this.#password)) return packet;
        await write(connection, WRONG_PASSWORD);
        return null;
      }
      await write(connection, NO_ENCRYPTION);
    }
  }

  async #relay(connection: Deno.Conn, messages: ClientMessages, startup: Uint8Array): Promise<void> {
    const welcome = await this.#execute(startup);
    await write(connection, welcome.subarray(0, AUTHENTICATED_BYTES));
    await write(connection, ONE_CLIENT);
    await write(connection, welcome.subarray(AUTHENTICATED_BYTES));
    for (;;) {
      const message = await this.#orStop(messages.message());
      if (message === null || message[0] === TERMINATE) return;
      // The engine ends itself for what it does not know, and with it everybody's session.
      if (!KNOWN_MESSAGES.includes(message[0] ?? 0)) return await write(connection, UNKNOWN_MESSAGE);
      await this.#orStop(write(connection, await this.#execute(withoutCopy(message))));
    }
  }

  /** What the engine answers to a message. */
  async #execute(message: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#instance.runExclusive(() => this.#instance.execProtocolRaw(message));
    } catch (cause) {
      throw new EngineError("The engine failed", { cause });
    }
  }

  /** Leaves nothing of a client to the next: no transaction, no prepared statement, no setting, no lock. */
  async #reset(): Promise<void> {
    await this.#execute(SYNC);
    try {
      await this.#instance.exec("rollback");
      await this.#instance.exec("discard all");
    } catch (cause) {
      throw new EngineError("The engine failed", { cause });
    }
  }

  /** What is waited for, unless the server stops before. */
  async #orStop<T>(work: Promise<T>): Promise<T> {
    const first = await Promise.race([work, this.#stop.promise]);
    if (first !== STOPPED) return first;
    work.catch(() => {});
    throw STOPPED;
  }
}

const STOPPED = Symbol("the server stops");
const TERMINATE = "X".charCodeAt(0);
const KNOWN_MESSAGES = [..."QPBDCEHSFdcf"].map((letter) => letter.charCodeAt(0));
const SYNC = Uint8Array.of("S".charCodeAt(0), 0, 0, 0, 4);
const ONE_CLIENT = parameterStatus("max_connections", "1");
const OCCUPIED = fatal(
  "53300",
  "this database is PGlite, which serves one client at a time, and another one is connected: close that one " +
    "first, keep connection pools at one connection, or use Postgres",
);
const WRONG_PASSWORD = fatal(
  "28P01",
  "password authentication failed: use the address that `timestep db` prints",
);
const UNKNOWN_MESSAGE = fatal("08P01", "the client does not speak Postgres's protocol");
const GOING_DOWN = fatal("57P01", "terminating connection because `timestep db` was stopped");

/** The engine itself has failed, as opposed to a statement. */
class EngineError extends Error {
  override readonly name = "EngineError";
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => new TextEncoder().encode(text));
  return one !== undefined && other !== undefined && one.length === other.length &&
    timingSafeEqual(one, other);
}
