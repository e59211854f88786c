import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { ThawError } from '../base/errors.js';
import { canonicalJson, sha256File } from '../base/hash.js';
import { currentVersions } from '../execute/versions.js';
import { type MeasuredRow, measureCases } from '../radiomics/measure.js';
import type { RegionRule } from '../radiomics/regions.js';
import { resolveOptions } from '../radiomics/resolve.js';
import { csvHeader, csvLines } from '../radiomics/table/csv.js';
import type { TableLayout } from '../radiomics/table/layout.js';
import { digestOf, makeTable, type TableFormat } from '../radiomics/table/make.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress } from './progress.js';
import { namesMasks, type RadiomicsInputs } from './radiomics-files.js';
import type { RadiomicsFlags } from './radiomics-flags.js';
import { openInputs } from './radiomics-inputs.js';
import { catalogueLines, columnLines, listText } from './radiomics-list.js';
import { type ResolvedSettings, readSettings } from './radiomics-settings.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

export interface RadiomicsArguments extends RadiomicsFlags {
  readonly images: readonly string[];
  readonly out: string | undefined;
  readonly format: TableFormat | undefined;
  readonly params: string | undefined;
  readonly set: readonly string[];
  readonly data: string | undefined;
  readonly original: boolean;
  readonly threads: number | undefined;
  readonly list: boolean;
}

/** What `thaw radiomics` does. */
export async function measureRadiomics(args: RadiomicsArguments): Promise<void> {
  const settings = await readSettings(args, await namesMasks(args.images));
  if (args.list) {
    const lines =
      settings.given.features === undefined ? catalogueLines() : columnLines(settings.selection.features);
    process.stdout.write(listText(lines, args.format === 'csv'));
    return;
  }
  if (args.images.length === 0)
    throw new ThawError('CONFIG', 'no image is named.', {
      node: 'images',
      hint: 'Name image files, folders, patterns in quotes, a table with a column `image`, or a config; --list shows the features.',
    });
  const threads = threadsOf(args.threads);
  const format = formatOf(args);
  const inputs = await openInputs(args.images, settings, args);
  try {
    if (args.out === undefined) await print(inputs, settings, threads);
    else await write(fromUser(args.out), format, inputs, settings, threads);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
  }
}

function threadsOf(value: number | undefined): number {
  if (value === undefined) return availableParallelism();
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new ThawError('CONFIG', `expected a whole number from 1 to 1024, received ${value}.`, {
    node: '--threads',
  });
}

/** As `--format` says, else by the file's extension. */
function formatOf({ format, out }: RadiomicsArguments): TableFormat {
  if (out === undefined) {
    if (format !== 'parquet') return 'csv';
    throw new ThawError('CONFIG', 'Parquet is not written to standard output.', {
      node: '--format',
      hint: 'Name a file with --out.',
    });
  }
  const extension = extname(out).toLowerCase();
  if (format !== undefined) return format;
  if (extension === '.csv') return 'csv';
  if (extension === '.parquet') return 'parquet';
  throw new ThawError('CONFIG', `'${out}' does not say whether it is CSV or Parquet.`, {
    node: '--out',
    hint: 'Name it .csv or .parquet, or say --format.',
  });
}

function layoutOf(inputs: RadiomicsInputs, { selection, slice }: ResolvedSettings): TableLayout {
  return {
    lead: inputs.lead,
    leadCells: inputs.leadCells,
    withSlices: slice !== 'volume',
    withLabels: inputs.withLabels,
    features: selection.features.map(({ name }) => name),
  };
}

function ruleOf({ slice, labels, anyPosition, pixelSize }: ResolvedSettings): RegionRule {
  return { slice, labels, anyPosition, spacing: pixelSize };
}

/** Rows to standard output as they come. */
async function print(inputs: RadiomicsInputs, settings: ResolvedSettings, threads: number): Promise<void> {
  const progress = createProgress();
  const signal = stopOnSignals((message) => progress.note(message));
  const layout = layoutOf(inputs, settings);
  const put = async (text: string) => {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  };
  await put(csvHeader(layout));
  const task = progress.start('radiomics', inputs.cases.length, 'images');
  const counts = { rows: 0, problems: 0 };
  try {
    let index = 0;
    for await (const rows of measureCases(inputs.cases, settings.selection, ruleOf(settings), {
      threads,
      signal,
    })) {
      await put(csvLines(layout, index++, rows));
      const problems = rows.filter(({ problem }) => problem !== null).length;
      counts.rows += rows.length;
      counts.problems += problems;
      task.advance(1, problems > 0 ? 1 : 0);
    }
  } finally {
    task.finish();
  }
  report(counts);
}

async function write(
  out: string,
  format: TableFormat,
  inputs: RadiomicsInputs,
  settings: ResolvedSettings,
  threads: number,
): Promise<void> {
  const progress = createProgress();
  const signal = stopOnSignals((message) => progress.note(message));
  const { cases } = inputs;
  const about = await aboutTable(inputs, settings);
  const identity = digestOf([
    canonicalJson(about),
    ...cases.map((item) => JSON.stringify([item.name, item.mask, item.labels])),
  ]);
  const counts = await makeTable({
    out,
    format,
    layout: layoutOf(inputs, settings),
    cases: cases.length,
    nameOf: (index) => cases[index]!.name,
    identity,
    measure: (first, held): AsyncIterable<readonly MeasuredRow[]> =>
      measureCases(cases, settings.selection, ruleOf(settings), { threads, signal: held, first }),
    about,
    progress,
    signal,
  });
  report(counts);
}

/** What the numbers depend on, for the file beside the table. */
async function aboutTable(
  inputs: RadiomicsInputs,
  settings: ResolvedSettings,
): Promise<Readonly<Record<string, unknown>>> {
  const { selection, slice, labels, anyPosition, pixelSize, depth, window, paramsFile } = settings;
  const { thaw, node, instructionSet } = currentVersions();
  return {
    versions: { thaw, node, instructionSet },
    inputs: inputs.about,
    ...(paramsFile === undefined ? {} : { paramsSha256: await sha256File(paramsFile) }),
    given: settings.given,
    settings: { ...resolveOptions(selection.options), slice, labels, anyPosition, pixelSize, depth, window },
    features: selection.features.map(({ name, title, family, code, source, unit }) => ({
      name,
      title,
      family,
      code,
      source,
      unit,
    })),
  };
}

/** A row without all its features is not passed over: it is counted, and the status is 1. */
function report({ rows, problems }: { readonly rows: number; readonly problems: number }): void {
  if (problems === 0) return;
  process.stderr.write(
    `${problems} of ${rows} rows have undefined features; the column "problem" says why\n`,
  );
  setStatus(1);
}
