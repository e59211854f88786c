import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { withClaim } from '../../base/claim.js';
import { replaceFile, writeAll, writeFileAtomic } from '../../base/files.js';
import { sha256File } from '../../base/hash.js';
import type { Progress } from '../../base/progress.js';
import type { MeasuredRow } from '../measure.js';
import { csvHeader, csvLines } from './csv.js';
import { RowJournal } from './journal.js';
import { type TableLayout, undefinedOf } from './layout.js';
import { writeParquet } from './parquet.js';

export type TableFormat = 'csv' | 'parquet';

export interface TableRequest {
  readonly out: string;
  readonly format: TableFormat;
  readonly layout: TableLayout;
  /** Number of cases, and what they are called in messages. */
  readonly cases: number;
  readonly nameOf: (index: number) => string;
  /** Equal for the same cases and settings: only then a stopped run is gone on with. */
  readonly identity: string;
  /** Rows from case `first` on. */
  readonly measure: (first: number, signal: AbortSignal) => AsyncIterable<readonly MeasuredRow[]>;
  /** What the file beside the table says, besides what is counted here. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface TableCounts {
  readonly rows: number;
  /** Rows with a problem, and those of them without any feature. */
  readonly problems: number;
  readonly empty: number;
  /** Single features without a value, of rows without problem. */
  readonly undefinedFeatures: number;
}

/** Problems that are said at once. */
const NOTED = 10;

/**
 * Measures cases and writes their table, and `<out>.json` beside it. Rows go to `<out>.part` as they come, so that a run that was
 * stopped goes on there; the table appears when it is complete. Throws IO, ABORTED.
 */
export function makeTable(request: TableRequest): Promise<TableCounts> {
  const { out, progress, signal } = request;
  const part = `${out}.part`;
  return withClaim(
    part,
    async (held) => {
      const journal = await RowJournal.open(part, request.identity);
      try {
        await fill(journal, request, held);
        const counts = await writeTable(journal, request);
        await writeAbout(request, counts);
        await journal.remove();
        return counts;
      } catch (error) {
        await journal.close().catch(() => {});
        throw error;
      }
    },
    {
      signal,
      onWait: ({ pid, host }) => progress.note(`process ${pid} on ${host} writes ${out}; waiting for it`),
    },
  );
}

async function fill(journal: RowJournal, request: TableRequest, signal: AbortSignal): Promise<void> {
  const { cases, nameOf, progress } = request;
  const task = progress.start('radiomics', cases, 'images', journal.cases);
  let noted = 0;
  try {
    for await (const rows of request.measure(journal.cases, signal)) {
      const name = nameOf(journal.cases);
      const problems = rows.flatMap(({ problem }) => problem ?? []);
      for (const problem of new Set(problems)) {
        if (noted < NOTED) progress.note(`${name}: ${problem}`);
        if (++noted === NOTED) progress.note('more problems are only written to the table');
      }
      await journal.append(rows);
      task.advance(1, problems.length > 0 ? 1 : 0);
    }
  } finally {
    task.finish();
    await journal.flush();
  }
}

async function writeTable(journal: RowJournal, request: TableRequest): Promise<TableCounts> {
  const { out, format, layout, about } = request;
  const counts = { rows: 0, problems: 0, empty: 0, undefinedFeatures: 0 };
  const counted = countedRows(journal, layout, counts);
  await replaceFile(out, (handle) =>
    format === 'csv'
      ? writeCsv(handle, layout, counted)
      : writeParquet(handle, layout, counted, JSON.stringify(about)),
  );
  return counts;
}

async function* countedRows(
  journal: RowJournal,
  layout: TableLayout,
  counts: { -readonly [Key in keyof TableCounts]: number },
): AsyncGenerator<readonly MeasuredRow[]> {
  for await (const rows of journal.read()) {
    for (const row of rows) {
      counts.rows++;
      if (row.problem === null) counts.undefinedFeatures += undefinedOf(row, layout.features.length);
      else counts.problems++;
      if (row.values === null || row.values.every((value) => value === null)) counts.empty++;
    }
    yield rows;
  }
}

const WRITTEN_AT_ONCE = 1 << 20;

async function writeCsv(
  handle: FileHandle,
  layout: TableLayout,
  cases: AsyncIterable<readonly MeasuredRow[]>,
): Promise<void> {
  let [text, position, index] = [csvHeader(layout), 0, 0];
  const write = async () => {
    const bytes = Buffer.from(text);
    await writeAll(handle, bytes, position);
    position += bytes.byteLength;
    text = '';
  };
  for await (const rows of cases) {
    text += csvLines(layout, index++, rows);
    if (text.length >= WRITTEN_AT_ONCE) await write();
  }
  await write();
}

async function writeAbout(request: TableRequest, counts: TableCounts): Promise<void> {
  const { out, format, about } = request;
  const table = { format, sha256: await sha256File(out), images: request.cases, ...counts };
  await writeFileAtomic(`${out}.json`, `${JSON.stringify({ ...about, table }, null, 2)}\n`);
}

/** A digest of many texts, which need not be in memory together. */
export function digestOf(texts: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest('hex');
}
