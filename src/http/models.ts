import type { Call } from "./_context.ts";
import { ApiError } from "./api_error.ts";
import { mayUseAgent } from "./principal.ts";

/** Answers `GET /v1/models`: the agents that the caller may use. */
export function listModels({ context, principal }: Call): Promise<Response> {
  const names = context.agents.names.filter((name) => mayUseAgent(principal, name));
  return Promise.resolve(Response.json({ object: "list", data: names.map(model) }));
}

/** Answers `GET /v1/models/{agent}`. */
export function retrieveModel({ context, principal, ids: [name = ""] }: Call): Promise<Response> {
  if (context.agents.names.includes(name) && mayUseAgent(principal, name)) {
    return Promise.resolve(Response.json(model(name)));
  }
  throw new ApiError(404, `No agent '${name}' found. GET /v1/models lists them.`, {
    code: "model_not_found",
    param: "model",
  });
}

function model(name: string) {
  return { id: name, object: "model", created: 0, owned_by: "timestep" };
}
