import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'csv-parse/sync';
import { groupBy } from '../../src/base/group-by.js';
import { mean, meanInterval, meanOfDefined } from '../../src/stats/summary.js';

/** A row of `trials.csv`: all columns as text, and `run`, the name of its run folder. */
type Row = Readonly<Record<string, string>>;

const USAGE = `node --import tsx bench/results/table.ts RUN... --rows task,source,strategy [options]

Prints the finished trials of run folders as a Markdown table: mean and half of the 95 % t-interval over replicates.
  --rows A,B        columns of trials.csv that make a row; "run" is the name of the folder
  --columns A       column of trials.csv that is spread out (n)
  --replicates A,B  what is repeated; its values are averaged within, then the interval is over them (dataset,seed)
  --tuned A,B       of trials of a replicate that differ in these, the one with the highest validation AUROC
                    (then the lowest validation loss) counts
  --chosen A,B      one value of these for each cell, of the highest mean validation AUROC over all trials
  --against A=B     paired differences to the row that has B in column A
  --metric A        auroc_test
  --where A=B       only trials with B in column A; may be given several times`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string' },
    columns: { type: 'string', default: 'n' },
    replicates: { type: 'string', default: 'dataset,seed' },
    tuned: { type: 'string', default: '' },
    chosen: { type: 'string', default: '' },
    against: { type: 'string' },
    metric: { type: 'string', default: 'auroc_test' },
    where: { type: 'string', multiple: true, default: [] },
  },
});
if (positionals.length === 0 || options.rows === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const names = (text: string) => text.split(',').filter((name) => name !== '');
const rowKeys = names(options.rows);
const replicateKeys = names(options.replicates);
const pairOf = (text: string) => text.split('=', 2) as [string, string];
const field = (row: Row, key: string) => (key === 'n' ? row.n_requested! : row[key]!);
const keyOf = (row: Row, keys: readonly string[]) => keys.map((key) => field(row, key)).join(' · ');

/** The trials that count: of each replicate and of everything that is not tuned, the one that validation prefers. */
function tuned(rows: readonly Row[], keys: readonly string[]): readonly Row[] {
  if (keys.length === 0) return rows;
  const fixed = ['run', 'dataset', 'task', 'source', 'strategy', 'n_requested', 'seed'];
  return [...groupBy(rows, (row) => keyOf(row, fixed)).values()].map((alike) => alike.reduce(preferred));
}

function preferred(a: Row, b: Row): Row {
  const gain = Number(b.auroc_val) - Number(a.auroc_val);
  if (gain !== 0) return gain > 0 ? b : a;
  return Number(b.log_loss_val) < Number(a.log_loss_val) ? b : a;
}

/** The trials of the settings with the highest mean validation AUROC. */
function chosen(rows: readonly Row[], keys: readonly string[]): readonly Row[] {
  if (keys.length === 0) return rows;
  const validation = (alike: readonly Row[]) =>
    meanOfDefined(alike.map((row) => numberOf(row.auroc_val))) ?? 0;
  return [...groupBy(rows, (row) => keyOf(row, keys)).values()].reduce((a, b) =>
    validation(b) > validation(a) ? b : a,
  );
}

const numberOf = (text: string | undefined) => (text === undefined || text === '' ? null : Number(text));

/** Value of each replicate. */
function replicates(rows: readonly Row[]): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [key, alike] of groupBy(rows, (row) => keyOf(row, replicateKeys))) {
    const value = meanOfDefined(alike.map((row) => numberOf(row[options.metric])));
    if (value !== null) values.set(key, value);
  }
  return values;
}

function cell(own: ReadonlyMap<string, number> | undefined, other?: ReadonlyMap<string, number>): string {
  if (own === undefined) return '–';
  const values = [...own].flatMap(([key, value]) => {
    if (options.against === undefined) return [value];
    const reference = other?.get(key);
    return reference === undefined ? [] : [value - reference];
  });
  const centre = mean(values);
  if (centre === null) return '–';
  const interval = meanInterval(values);
  const half = interval === null ? '' : ` ± ${((interval.high - interval.low) / 2).toFixed(3)}`;
  return `${options.against !== undefined && centre >= 0 ? '+' : ''}${centre.toFixed(3)}${half}`;
}

async function readTrials(folder: string): Promise<readonly Row[]> {
  const text = await readFile(join(folder, 'trials.csv'), 'utf8');
  return (parse(text, { columns: true }) as Row[]).map((row) => ({ ...row, run: basename(folder) }));
}

const where = options.where.map(pairOf);
const trials = (await Promise.all(positionals.map(readTrials)))
  .flat()
  .filter((row) => row.status === 'ok' && where.every(([key, value]) => field(row, key) === value));
const counted = tuned(trials, names(options.tuned));
const columnNames = [...new Set(counted.map((row) => field(row, options.columns)))].sort(
  (a, b) => (a === 'all' ? 1 : 0) - (b === 'all' ? 1 : 0) || Number(a) - Number(b),
);
const table = new Map(
  [...groupBy(counted, (row) => keyOf(row, rowKeys))].map(([name, rows]) => [
    name,
    new Map(
      [...groupBy(rows, (row) => field(row, options.columns))].map(([column, alike]) => [
        column,
        replicates(chosen(alike, names(options.chosen))),
      ]),
    ),
  ]),
);
const firstOf = new Map(counted.map((row) => [keyOf(row, rowKeys), row]));

const lines = [
  `| ${rowKeys.join(' · ')} | ${columnNames.join(' | ')} |`,
  `|---|${'---|'.repeat(columnNames.length)}`,
];
for (const [name, columns] of table) {
  const reference =
    options.against === undefined
      ? undefined
      : table.get(
          keyOf({ ...firstOf.get(name)!, ...Object.fromEntries([pairOf(options.against)]) }, rowKeys),
        );
  if (reference === columns) continue;
  lines.push(
    `| ${name} | ${columnNames.map((column) => cell(columns.get(column), reference?.get(column))).join(' | ')} |`,
  );
}
process.stdout.write(`${lines.join('\n')}\n`);
