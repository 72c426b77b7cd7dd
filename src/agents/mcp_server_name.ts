/**
 * An MCP server's name as it may be recorded and logged. Where it was given none, the Agents SDK makes one of the whole
 * address, which may hold a key: of that, the host is left.
 */
export function shownServerName({ name }: { name: string }): string {
  const [, kind, url = ""] = /^(sse|streamable-http): (.*)$/s.exec(name) ?? [];
  return kind === undefined ? name : `${kind}: ${URL.parse(url)?.host ?? ""}`;
}
