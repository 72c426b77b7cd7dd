import { ApiError } from "./api_error.ts";
import type { Principal } from "./principal.ts";

/**
 * Makes sure of what an `authenticate` of somebody's own has told, which may come from where no types are: a user
 * without an id would pass for the service, which sees everything.
 *
 * @throws {ApiError} 401 when it names nobody.
 * @throws {TypeError} When it names somebody, but not whom.
 */
export function checkedPrincipal(told: Principal | null | undefined): Principal {
  if (!told) throw new ApiError(401, "Nobody is signed in.");
  if (isWhole(told)) return told;
  throw new TypeError(
    `Cannot tell who is calling: authenticate() gave a principal of kind "${
      told["kind"]
    }" that is not whole. ` +
      "A user has an ownerId, which is a text; an API key that and agents, a list or null.",
  );
}

function isWhole(principal: Principal): boolean {
  switch (principal.kind) {
    case "service":
    case "cron":
      return true;
    case "user":
      return isId(principal.ownerId);
    case "api_key":
      return isId(principal.ownerId) && (principal.agents === null || Array.isArray(principal.agents));
    default:
      return false;
  }
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
