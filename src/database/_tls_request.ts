/** Asks a server whether it encrypts, https://www.postgresql.org/docs/current/protocol-message-formats.html: length 8, code 80877103. */
export const TLS_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/** What it says when it does. */
export const TLS_ACCEPTED = "S".charCodeAt(0);
