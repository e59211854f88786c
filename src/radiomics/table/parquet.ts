import type { FileHandle } from 'node:fs/promises';
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { writeAll } from '../../base/files.js';
import type { MeasuredRow } from '../measure.js';
import { type Cell, cellsOf, columnsOf, type TableLayout } from './layout.js';

const TYPES = { text: 'STRING', integer: 'INT32', number: 'DOUBLE' } as const;
/** Cells of one row group, which is held in memory. */
const GROUP_CELLS = 2_000_000;

/**
 * Writes the rows of cases, in order, as Parquet: numbers as DOUBLE and INT32, text as UTF-8, undefined ones null. One row group
 * is in memory at a time. `about` is JSON for the file's metadata, under the key `thaw`. Returns the bytes of the file.
 */
export async function writeParquet(
  handle: FileHandle,
  layout: TableLayout,
  cases: AsyncIterable<readonly MeasuredRow[]>,
  about: string,
  groupCells = GROUP_CELLS,
): Promise<number> {
  const columns = columnsOf(layout);
  const groupRows = Math.max(1, Math.floor(groupCells / columns.length));
  const bytes = new ByteWriter();
  let written = 0;
  const drain = async () => {
    await writeAll(handle, bytes.getBytes(), written);
    written += bytes.index;
    bytes.index = 0;
  };
  let group: Cell[][] = columns.map(() => []);
  const sources = (): ColumnSource[] =>
    columns.map(({ name, type }, index) => ({ name, data: group[index]!, type: TYPES[type] }));
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaFromColumnData({ columnData: sources() }),
    kvMetadata: [{ key: 'thaw', value: about }],
    createdBy: 'thaw',
  });
  const writeGroup = async () => {
    await writer.write({ columnData: sources(), rowGroupSize: groupRows });
    await drain();
    group = columns.map(() => []);
  };
  let index = 0;
  for await (const rows of cases) {
    for (const row of rows) {
      for (const [column, cell] of cellsOf(layout, index, row).entries()) group[column]!.push(cell);
      if (group[0]!.length === groupRows) await writeGroup();
    }
    index++;
  }
  if (group[0]!.length > 0) await writeGroup();
  await writer.finish();
  await drain();
  return written;
}
