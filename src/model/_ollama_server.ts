/** Where an Ollama server is, and what it has to be told to let a caller in. */
export interface OllamaServer {
  /** Address without a trailing slash and without `/v1`, e.g. `http://127.0.0.1:11434`. */
  url: string;
  /** Value of the `Authorization` header; undefined when the server wants none. */
  authorization?: string;
}

/** Ollama Cloud, also for a caller who writes just `ollama.com`. */
export const OLLAMA_CLOUD_HOST = "ollama.com";

const DEFAULT_PORT = "11434";

/**
 * Read an address in any of the forms that `OLLAMA_HOST` may have.
 *
 * Follows `envconfig.Host` of ollama/ollama: without a scheme it is `http` on port 11434, with one it is that
 * scheme's port; `0.0.0.0` and `[::]` are addresses to listen on, so a client goes to the loopback instead.
 *
 * @throws {RangeError} If the text is no address.
 */
export function parseOllamaHost(text: string): OllamaServer {
  const address = text.trim().replace(/^["']+|["']+$/g, "");
  const hasScheme = address.includes("://");
  const withScheme = hasScheme
    ? address
    : address === OLLAMA_CLOUD_HOST
    ? `https://${address}`
    : `http://${withDefaultPort(address)}`;
  const url = URL.parse(withScheme);
  // An @ behind the host is the real one's: a password with a bare slash has ended the address too early.
  const isCutShort = url?.pathname.includes("@");
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.hostname === "" || isCutShort) {
    throw new RangeError(
      "The address of the Ollama server could not be read: expected a host, host:port or http(s) URL, " +
        `got ${JSON.stringify(withoutPassword(address))}`,
    );
  }
  return {
    url: `${url.protocol}//${connectable(url)}${trimPath(url.pathname)}`,
    ...(url.username === "" ? {} : { authorization: basicAuthorization(url) }),
  };
}

/** Whether the server is Ollama Cloud, the only one that may see `OLLAMA_API_KEY`. */
export function isOllamaCloud(server: OllamaServer): boolean {
  const { protocol, hostname } = new URL(server.url);
  return protocol === "https:" && hostname === OLLAMA_CLOUD_HOST;
}

function withDefaultPort(address: string): string {
  const slash = address.indexOf("/");
  const authority = slash === -1 ? address : address.slice(0, slash);
  const path = slash === -1 ? "" : address.slice(slash);
  const at = authority.lastIndexOf("@") + 1;
  const credentials = authority.slice(0, at);
  const host = authority.slice(at);
  return `${credentials}${hostWithPort(host)}${path}`;
}

function hostWithPort(host: string): string {
  if (host === "") return `127.0.0.1:${DEFAULT_PORT}`;
  if (/^:\d+$/.test(host)) return `127.0.0.1${host}`;
  const isBareIpv6 = !host.startsWith("[") && host.split(":").length > 2;
  if (isBareIpv6) return `[${host}]:${DEFAULT_PORT}`;
  return /:\d+$/.test(host.replace(/^\[.*\]/, "")) ? host : `${host}:${DEFAULT_PORT}`;
}

function connectable(url: URL): string {
  const port = url.port === "" ? "" : `:${url.port}`;
  if (url.hostname === "0.0.0.0") return `127.0.0.1${port}`;
  if (url.hostname === "[::]") return `[::1]${port}`;
  return `${url.hostname}${port}`;
}

function trimPath(path: string): string {
  return path.replace(/\/+$/, "").replace(/\/v1$/, "");
}

function basicAuthorization(url: URL): string {
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
}

function withoutPassword(address: string): string {
  return address.replace(/^.*@/s, "***@");
}
