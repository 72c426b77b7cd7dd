import type { Database } from "../database/database.ts";
export async function fireDueSchedules(_database: Database, _name: string): Promise<void> {}
