/** Who is calling, as told by the credentials of a request. */
export type Principal = UserPrincipal | ApiKeyPrincipal | ServicePrincipal | CronPrincipal;

/** A signed-in user: the subject of a verified JWT. Sees what is the user's own. */
export interface UserPrincipal {
  /** Which of the principals it is. */
  readonly kind: "user";
  /** The token's `sub`. */
  readonly ownerId: string;
  /** The token's verified claims, handed to Postgres for row level security. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A program with one of our own API keys: acts for the key's owner, with the agents that the key names. */
export interface ApiKeyPrincipal {
  /** Which of the principals it is. */
  readonly kind: "api_key";
  /** Whom the key was made for. */
  readonly ownerId: string;
  /** The agents that the key may use; `null`: all of them. */
  readonly agents: readonly string[] | null;
}

/** A server that holds the service's secret: sees everything. */
export interface ServicePrincipal {
  /** Which of the principals it is. */
  readonly kind: "service";
}

/** The scheduler that wakes workers: may do that and nothing else. */
export interface CronPrincipal {
  /** Which of the principals it is. */
  readonly kind: "cron";
}

/** The owner that the principal's new rows get; `null` where they belong to the service itself. */
export function ownerIdOf(principal: Principal): string | null {
  return "ownerId" in principal ? principal.ownerId : null;
}

/** Whether the principal may use the agent of this name. */
export function mayUseAgent(principal: Principal, agentName: string): boolean {
  switch (principal.kind) {
    case "cron":
      return false;
    case "api_key":
      return principal.agents === null || principal.agents.includes(agentName);
    case "user":
    case "service":
      return true;
  }
}
