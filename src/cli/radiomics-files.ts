import { dirname, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { sha256File } from '../base/hash.js';
import { readTable, type TextTable } from '../data/table.js';
import { type GreyReading, readGrey } from '../image/grey/read.js';
import { listImages, NIFTI, shownPath } from '../predict/files.js';
import { type MaskFinder, maskFinder } from '../radiomics/mask-files.js';
import type { RadiomicsCase } from '../radiomics/measure.js';
import { type Cell, OWN_COLUMNS, type TableColumn } from '../radiomics/table/layout.js';
import { fromUser, userFolder } from './paths.js';
import type { ResolvedSettings } from './radiomics-settings.js';

/** What is measured, and what is known of it before. */
export interface RadiomicsInputs {
  readonly cases: readonly RadiomicsCase[];
  readonly lead: readonly TableColumn[];
  readonly leadCells: (index: number) => readonly Cell[];
  /** Where masks have labels of their own. */
  readonly withLabels: boolean;
  /** For the file beside the table: where the images come from. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** Names of tables of images. */
export const TABLE = /\.(csv|tsv)$/i;

const text = (name: string): TableColumn => ({ name, type: 'text' });

/** The images that paths name. Throws CONFIG, IO. */
export async function fromImages(
  paths: readonly string[],
  settings: ResolvedSettings,
): Promise<RadiomicsInputs> {
  const { mask } = settings;
  const files = await listImages(paths.map(fromUser), NIFTI);
  const finder = mask === undefined ? undefined : await maskFinder(mask.spec, mask.folder);
  const images = finder === undefined ? files : withoutMasks(files, finder);
  const cases = images.map((file) => fileCase(file, finder?.(file), settings));
  const from = userFolder();
  const about = { images: paths, ...(mask === undefined ? {} : { mask: mask.spec }) };
  return {
    cases,
    lead: [text('image'), ...(finder === undefined ? [] : [text('mask')])],
    leadCells: (index) => {
      const { name, mask: found } = cases[index]!;
      return [
        name,
        ...(finder === undefined ? [] : [typeof found === 'string' ? shownPath(found, from) : null]),
      ];
    },
    withLabels: settings.labels !== 'any',
    about,
  };
}

/** A folder may hold masks beside the images that they are of. */
function withoutMasks(files: readonly string[], finder: MaskFinder): readonly string[] {
  const masks = new Set(files.map(finder).filter((mask) => typeof mask === 'string'));
  const images = files.filter((file) => !masks.has(file));
  if (images.length > 0) return images;
  throw new ThawError('CONFIG', 'every image is the mask of another, or of itself.', { node: '--mask' });
}

function fileCase(
  file: string,
  mask: RadiomicsCase['mask'],
  { depth, window }: GreyReading,
  labels?: RadiomicsCase['labels'],
): RadiomicsCase {
  return {
    name: shownPath(file, userFolder()),
    open: () => readGrey(file, { depth, window }),
    ...(mask === undefined ? {} : { mask }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** Whether paths name a table with a column of masks. Throws DATA, IO. */
export async function namesMasks(paths: readonly string[]): Promise<boolean> {
  const [path = ''] = paths;
  return TABLE.test(path) && (await readTable(fromUser(path))).findColumn('mask') !== undefined;
}

/** Columns `image`, `mask` and `label` of a table as pyradiomics takes it; all others are handed on. Throws CONFIG, DATA, IO. */
export async function fromTable(path: string, settings: ResolvedSettings): Promise<RadiomicsInputs> {
  const file = fromUser(path);
  const table = await readTable(file);
  const columns = {
    image: table.column('image'),
    mask: table.findColumn('mask'),
    label: table.findColumn('label'),
  };
  if (columns.mask !== undefined && settings.mask !== undefined)
    throw new ThawError('CONFIG', `the table ${path} has a column of masks.`, {
      node: '--mask',
      hint: 'Leave one of them out.',
    });
  const others = [...table.columns.keys()].filter(
    (column) => ![columns.image, columns.mask, columns.label].includes(column),
  );
  refuseNames(table, others, settings);
  const finder =
    settings.mask === undefined ? undefined : await maskFinder(settings.mask.spec, settings.mask.folder);
  const cases: RadiomicsCase[] = [];
  const handedOn: string[][] = [];
  for (const [cells, row] of table.rows()) {
    const image = resolve(dirname(file), required(cells[columns.image], 'image', file, row));
    const cell = columns.mask === undefined ? undefined : cells[columns.mask];
    const mask =
      cell === undefined
        ? finder?.(image)
        : cell === ''
          ? { missing: `row ${row} of ${path} names no mask` }
          : resolve(dirname(file), cell);
    const label = columns.label === undefined ? '' : cells[columns.label]!;
    cases.push(fileCase(image, mask, settings, label === '' ? undefined : [labelCell(label, file, row)]));
    handedOn.push(others.map((column) => cells[column]!));
  }
  if (cases.length === 0) throw new ThawError('DATA', 'the table has no images.', { file });
  const hasMasks = columns.mask !== undefined || finder !== undefined;
  return {
    cases,
    lead: [
      text('image'),
      ...(hasMasks ? [text('mask')] : []),
      ...others.map((column) => text(table.columns[column]!)),
    ],
    leadCells: (index) => {
      const { name, mask } = cases[index]!;
      const shown = typeof mask === 'string' ? shownPath(mask, userFolder()) : null;
      return [name, ...(hasMasks ? [shown] : []), ...handedOn[index]!];
    },
    withLabels: columns.label !== undefined || settings.labels !== 'any',
    about: { table: path, tableSha256: await sha256File(file) },
  };
}

function required(cell: string | undefined, name: string, file: string, row: number): string {
  if (cell !== undefined && cell !== '') return cell;
  throw new ThawError('DATA', `no ${name} is named.`, { file, row });
}

function labelCell(cell: string, file: string, row: number): number {
  const label = Number(cell);
  if (Number.isFinite(label) && label !== 0) return label;
  throw new ThawError('DATA', `expected a label other than 0, received '${cell}'.`, { file, row });
}

function refuseNames(table: TextTable, columns: readonly number[], { selection }: ResolvedSettings): void {
  const taken = new Set([...OWN_COLUMNS, ...selection.features.map(({ name }) => name)]);
  const column = columns.map((index) => table.columns[index]!).find((name) => taken.has(name));
  if (column === undefined) return;
  throw new ThawError('DATA', `the column '${column}' has a name that the table of features needs.`, {
    file: table.file,
    hint: 'Rename it.',
  });
}
