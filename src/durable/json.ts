export type { JsonValue } from "../core/json_value.ts";
