import type { messages, PGlite, protocol } from "@electric-sql/pglite";
import type { Row } from "./database.ts";
import { parsers } from "./_values.ts";

/** Writes the messages of Postgres's protocol; PGlite brings it along. */
export type Messages = typeof protocol.serialize;

/**
 * Runs one statement. PGlite's own `query()` enters the engine six times for it, and merges its tables of types each
 * time, which costs more than many a statement.
 *
 * @param pglite The instance. The caller sees to it that nobody else uses it meanwhile.
 * @param write Writes what is sent.
 * @param values The parameters, as texts.
 * @param syncToFs Whether the statement is a transaction of its own, whose end is waited for.
 */
export async function runStatement(
  pglite: PGlite,
  write: Messages,
  text: string,
  values: (string | null)[],
  syncToFs: boolean,
): Promise<Row[]> {
  const request = concat([
    write.parse({ text }),
    write.bind({ values }),
    write.describe({ type: "P" }),
    write.execute(),
    write.sync(),
  ]);
  const rows: Row[] = [];
  let columns: Column[] = [];
  for (const message of await pglite.execProtocolStream(request, { syncToFs })) {
    // A message's name tells its class.
    if (message.name === "rowDescription") columns = (message as RowDescription).fields.map(toColumn);
    else if (message.name === "dataRow") rows.push(toRow(columns, (message as DataRow).fields));
  }
  return rows;
}

type RowDescription = InstanceType<typeof messages.RowDescriptionMessage>;
type DataRow = InstanceType<typeof messages.DataRowMessage>;

interface Column {
  readonly name: string;
  readonly parse: ((text: string) => unknown) | undefined;
}

function toColumn({ name, dataTypeID }: RowDescription["fields"][number]): Column {
  return { name, parse: parsers[dataTypeID] };
}

function toRow(columns: readonly Column[], fields: readonly (string | null)[]): Row {
  const row: Row = {};
  for (const [index, { name, parse }] of columns.entries()) {
    const field = fields[index] ?? null;
    row[name] = field === null || parse === undefined ? field : parse(field);
  }
  return row;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
