import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { openSocket, type PostgresSocket } from "./_postgres_socket.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";

/**
 * A socket to the server for a driver that makes it first and connects it then. It is encrypted as the address says,
 * of which the driver need not know.
 */
export class DeferredSocket extends Duplex {
  readonly #address: PostgresAddress;
  #socket: PostgresSocket | undefined;

  /** @param address Where the server is. */
  constructor(address: PostgresAddress) {
    super({ allowHalfOpen: false });
    this.#address = address;
  }

  /** Connects; then emits `connect`. */
  connect(): this {
    openSocket(this.#address).then((socket) => this.#use(socket), (error) => this.destroy(error));
    return this;
  }

  /** It is so anyway. */
  setNoDelay(): this {
    return this;
  }

  /** Not offered: dead servers are noticed by statements that fail. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#socket?.ref();
    return this;
  }

  unref(): this {
    this.#socket?.unref();
    return this;
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket?.write(chunk, done);
  }

  /** What belongs together goes together: else each piece could wait for the one before to be confirmed. */
  override _writev(writes: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#socket?.write(Buffer.concat(writes.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.destroy();
    done(error);
  }

  #use(socket: PostgresSocket): void {
    if (this.destroyed) return void socket.destroy();
    this.#socket = socket;
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    // Drivers count on it to keep the process alive.
    socket.ref();
    this.emit("connect");
  }
}
