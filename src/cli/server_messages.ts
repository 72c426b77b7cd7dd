/** What a server of Postgres says, as it goes over the wire: one letter, the length, the content. */

const encoder = new TextEncoder();

function message(type: string, ...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const contents = parts.map((part) => typeof part === "string" ? encoder.encode(`${part}\0`) : part);
  const length = contents.reduce((sum, { byteLength }) => sum + byteLength, 4);
  const bytes = new Uint8Array(1 + length);
  bytes[0] = type.charCodeAt(0);
  new DataView(bytes.buffer).setInt32(1, length);
  let offset = 5;
  for (const content of contents) {
    bytes.set(content, offset);
    offset += content.byteLength;
  }
  return bytes;
}

/** Says no to encryption, which nobody needs who stays on one machine. */
export const NO_ENCRYPTION: Uint8Array = encoder.encode("N");

/** Asks for the password, to be sent as it is. */
export const PASSWORD_WANTED: Uint8Array = message("R", Uint8Array.of(0, 0, 0, 3));

/** "You may": the first message after the password. */
export const AUTHENTICATED_BYTES = 9;

/** Tells a client a setting of the server. */
export function parameterStatus(name: string, value: string): Uint8Array<ArrayBuffer> {
  return message("S", name, value);
}

/** An error after which the server ends the connection; `sqlState` says which. */
export function fatal(sqlState: string, text: string): Uint8Array<ArrayBuffer> {
  const fields = [["S", "FATAL"], ["V", "FATAL"], ["C", sqlState], ["M", text]] as const;
  return message("E", ...fields.map(([name, value]) => name + value), Uint8Array.of(0));
}
