import { posix, resolve } from 'node:path';
import { ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry, SplitName } from '../dataset.js';
import { AgeReader, parseSex } from '../demographics.js';
import type { DicomPatients } from '../dicom-patients.js';
import { EntryTable } from '../entry-table.js';
import { existingPaths } from '../image-files.js';
import type { DelimitedRow } from '../records.js';
import { splitNameOf, splitWords } from '../split-names.js';
import { type Encoding, readTable, type TextTable } from '../table.js';
import { type CsvLabels, type LabelValues, labelReader } from './csv-labels.js';

/** Any table with one row an image. */
export interface CsvSource {
  readonly kind: 'csv';
  readonly root: string;
  /** Relative to the root; `.gz` allowed. */
  readonly table: string;
  readonly columns: CsvColumns;
  /** How the image column becomes a path relative to the root. */
  readonly images?: CsvImages | undefined;
  readonly delimiter?: string | undefined;
  readonly encoding?: Encoding | undefined;
  /** Further words for present, absent and unknown; they win over the built-in ones. */
  readonly values?: LabelValues | undefined;
  /** Words of the split column → split, besides train, val, valid, validation, test … */
  readonly splitNames?: Readonly<Record<string, SplitName>> | undefined;
  readonly allowMissing?: boolean | undefined;
  /** Every image has exactly one of the labels; always so for a class column. */
  readonly exclusive?: boolean | undefined;
  /** Where no column names patients but the headers of the images do. */
  readonly patients?: DicomPatients | undefined;
}

export interface CsvColumns {
  readonly image: string;
  /** Without it every image is taken for a patient of its own. */
  readonly patient?: string | undefined;
  readonly labels: CsvLabels;
  readonly split?: string | undefined;
  readonly age?: string | undefined;
  readonly sex?: string | undefined;
  readonly view?: string | undefined;
  readonly site?: string | undefined;
}

export interface CsvImages {
  /** Folder relative to the root that the table's paths are relative to. */
  readonly folder?: string | undefined;
  /** `path`: as the table says; `name`: only the file name counts (tables made on another machine). Default `path`. */
  readonly match?: 'path' | 'name' | undefined;
  /** Added where the table gives names without it, such as `.png`. */
  readonly extension?: string | undefined;
}

export async function loadCsv(name: string, source: CsvSource): Promise<Dataset> {
  const { root } = source;
  const table = await readTable(resolve(root, source.table), source);
  const labels = labelReader(table, source.columns.labels, source.values, source.exclusive ?? false);
  const entries = new EntryReader(table, source);
  const rows = new EntryTable(table.file);
  let unlabelled = 0;
  table.forEachRow((cells, row) => {
    const values = labels.read(cells, row);
    if (values === undefined) unlabelled++;
    else rows.add(entries.read(cells, row), values, row);
  });
  const existing = await existingPaths(root, rows.paths);
  const found = rows.finish(
    (path) => (existing.has(path) ? path : undefined),
    source.allowMissing ?? false,
    existing.repeated,
  );
  return {
    name,
    root,
    ...found,
    labelNames: labels.names,
    exclusive: labels.exclusive,
    patientsAssumed: source.columns.patient === undefined,
    notes: [
      ...found.notes,
      ...(unlabelled === 0 ? [] : [`${unlabelled} rows without a class dropped`]),
      ...entries.notes(),
    ],
  };
}

type Draft = { -readonly [Field in keyof DatasetEntry]: DatasetEntry[Field] };

/** Entries of a table's rows. Tables have hundreds of thousands: no cell is looked at that no column asks for. */
class EntryReader {
  private readonly position;
  private readonly words: ReadonlyMap<string, SplitName>;
  private readonly ages = new AgeReader();

  constructor(
    private readonly table: TextTable,
    private readonly source: CsvSource,
  ) {
    const { columns } = source;
    const column = (name: string | undefined) => (name === undefined ? undefined : table.column(name));
    this.position = {
      image: table.column(columns.image),
      patient: column(columns.patient),
      split: column(columns.split),
      age: column(columns.age),
      sex: column(columns.sex),
      view: column(columns.view),
      site: column(columns.site),
    };
    this.words = splitWords(source.splitNames);
  }

  read(cells: DelimitedRow, row: number): DatasetEntry {
    const { position } = this;
    const { file } = this.table;
    const path = imagePath(cells.cell(position.image), this.source.images, file, row);
    const patient = position.patient === undefined ? path : cells.cell(position.patient);
    if (patient === '') {
      throw new ThawError('DATA', `'${this.source.columns.patient}' is empty.`, {
        file,
        row,
        hint: 'Every image needs a patient: images of one patient must not be spread over the splits.',
      });
    }
    const entry: Draft = { path, patient };
    if (position.split !== undefined) {
      const split = splitNameOf(cells.cell(position.split), this.words, { file, row });
      if (split !== undefined) entry.split = split;
    }
    const age = position.age === undefined ? undefined : this.ages.years(cells.cell(position.age));
    if (age !== undefined) entry.age = age;
    const sex = position.sex === undefined ? undefined : parseSex(cells.cell(position.sex));
    if (sex !== undefined) entry.sex = sex;
    const view = position.view === undefined ? '' : cells.cell(position.view);
    if (view !== '') entry.view = view;
    const site = position.site === undefined ? '' : cells.cell(position.site);
    if (site !== '') entry.site = site;
    return entry;
  }

  notes(): string[] {
    return this.ages.notes();
  }
}

/** What `posix.normalize` would change. */
const UNTIDY = /(^|\/)\.{0,2}(\/|$)/;

/** Path relative to the root, normalised; `..` is kept as given, absolute paths are refused. */
function imagePath(text: string, images: CsvImages | undefined, file: string, row: number): string {
  const given = text.includes('\\') ? text.replaceAll('\\', '/') : text;
  const byName = images?.match === 'name';
  if (given === '') throw new ThawError('DATA', 'the image column is empty.', { file, row });
  if (!byName && /^(\/|[A-Za-z]:\/)/.test(given)) {
    throw new ThawError('DATA', `expected an image path relative to the root but found '${text}'.`, {
      file,
      row,
      hint: "Set 'images: {match: name}' if only the file name counts, or make the paths relative to root.",
    });
  }
  const named = byName ? posix.basename(given) : given;
  const inFolder =
    images?.folder === undefined && !UNTIDY.test(named) ? named : posix.join(images?.folder ?? '', named);
  const { extension = '' } = images ?? {};
  if (extension === '' || inFolder.toLowerCase().endsWith(extension.toLowerCase())) return inFolder;
  return inFolder + extension;
}
