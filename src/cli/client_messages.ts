/** How many bytes a client may send before it has said who it is; Postgres's own limit. */
const MAX_STARTUP_BYTES = 10_000;
/** The most that one message may have: Postgres's own limit. */
const MAX_MESSAGE_BYTES = 1024 ** 3 - 1;

/** What a client of Postgres sends, message by message, however it arrives. */
export class ClientMessages {
  readonly #source: { read(into: Uint8Array): Promise<number | null> };
  #buffer = new Uint8Array(64 * 1024);
  #start = 0;
  #end = 0;

  /** @param source Where the bytes come from, such as a connection. */
  constructor(source: { read(into: Uint8Array): Promise<number | null> }) {
    this.#source = source;
  }

  /**
   * A packet of the beginning, which has no type: its length, then a code.
   *
   * @returns The packet, or null when the client has left.
   * @throws {RangeError} When it is no such packet.
   */
  async packet(): Promise<Uint8Array | null> {
    if (!await this.#fill(4)) return null;
    const length = this.#length(0);
    if (length < 8 || length > MAX_STARTUP_BYTES) {
      throw new RangeError(
        `A client does not speak Postgres's protocol: its first packet has ${length} bytes`,
      );
    }
    return await this.#take(length);
  }

  /**
   * A message: its type, its length, its content.
   *
   * @param limit How many bytes it may have.
   * @returns The message, or null when the client has left.
   * @throws {RangeError} When it is none.
   */
  async message(limit: number = MAX_MESSAGE_BYTES): Promise<Uint8Array | null> {
    if (!await this.#fill(5)) return null;
    const length = this.#length(1);
    if (length < 4 || length > limit) {
      throw new RangeError(`A client does not speak Postgres's protocol: a message has ${length} bytes`);
    }
    return await this.#take(1 + length);
  }

  #length(offset: number): number {
    return new DataView(this.#buffer.buffer).getInt32(this.#start + offset);
  }

  /** A copy: the engine keeps what it is given. */
  async #take(length: number): Promise<Uint8Array | null> {
    if (!await this.#fill(length)) return null;
    const taken = this.#buffer.slice(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }

  /** Reads until so many bytes are there; false when the client leaves before. */
  async #fill(length: number): Promise<boolean> {
    if (this.#start + length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, this.#buffer.length));
      larger.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = larger;
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#end - this.#start < length) {
      const count = await this.#source.read(this.#buffer.subarray(this.#end));
      if (count === null) return false;
      this.#end += count;
    }
    return true;
  }
}
