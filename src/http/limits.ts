import { ApiError } from "./api_error.ts";
import type { Principal } from "./principal.ts";

/** What is accepted of callers. The service itself may send as many requests and have as many runs as it likes. */
export interface Limits {
  /** The size of a request's body, and of what its `item_reference`s bring in, in bytes. @default {4194304} */
  bodyBytes: number;
  /** How long a request's body may take to arrive, in milliseconds. @default {10000} */
  bodyMs: number;
  /** Items in one request. @default {1000} */
  inputItems: number;
  /** Runs of one owner that are queued or under way, in all processes together. @default {20} */
  concurrentRuns: number;
  /**
   * Requests of one owner a minute. Those that begin runs are counted in the database, for all processes together;
   * others, which cost little, in each process by itself. @default {600}
   */
  requestsPerMinute: number;
  /** How long a request that is not in the background is kept waiting for its run, in milliseconds. @default {120000} */
  foregroundMs: number;
  /** How long a stream lasts, in milliseconds; then it breaks off, for the client to resume. @default {140000} */
  streamMs: number;
}

/** The limits that hold unless told otherwise. Supabase ends a request that has not been answered in 150 s. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  bodyBytes: 4 * 1024 * 1024,
  bodyMs: 10_000,
  inputItems: 1000,
  concurrentRuns: 20,
  requestsPerMinute: 600,
  foregroundMs: 120_000,
  streamMs: 140_000,
};

/** Fills in what is missing. @throws {RangeError} When a limit is not a positive number. */
export function withDefaults(limits: Partial<Limits>): Limits {
  for (const [name, value] of Object.entries(limits)) {
    if (value > 0) continue;
    throw new RangeError(`Cannot serve agents: limit ${name} is ${value}, but has to be a positive number.`);
  }
  return { ...DEFAULT_LIMITS, ...limits };
}

const MINUTE_MS = 60_000;

/** Counts the requests of each owner, a minute at a time. */
export class RequestCounter {
  readonly #perMinute: number;
  #counts = new Map<string, number>();
  #minute = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Counts a request. @throws {ApiError} 429 when it is one too many. */
  count(principal: Principal, nowMs: number): void {
    if (!("ownerId" in principal)) return;
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(principal.ownerId) ?? 0) + 1;
    this.#counts.set(principal.ownerId, count);
    if (count <= this.#perMinute) return;
    throw new ApiError(429, `More than ${this.#perMinute} requests in a minute. Slow down.`, {
      code: "rate_limit_exceeded",
      retryAfterSeconds: ((minute + 1) * MINUTE_MS - nowMs) / 1000,
    });
  }
}
