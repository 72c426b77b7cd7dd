import document from "./openapi.json" with { type: "json" };

/** What is served, as an OpenAPI document: the subset of OpenAI's API that there is. */
export const openApi: unknown = document;
