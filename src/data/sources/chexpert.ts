import { ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry, SplitName } from '../dataset.js';
import { AgeReader, parseSex } from '../demographics.js';
import { EntryTable } from '../entry-table.js';
import { existingPaths, namesIn } from '../image-files.js';
import { findPublished, namesInRoot, requirePublished } from '../published-files.js';
import { readTable, type TextTable } from '../table.js';
import { type ViewChoice, ViewFilter } from '../views.js';
import { CHEXPERT_OBSERVATIONS, type ObservationPolicies, ObservationReader } from './observations.js';

/** CheXpert as Stanford publishes it, full size or small (Irvin et al., AAAI 2019). */
export interface ChexpertSource extends ObservationPolicies {
  readonly kind: 'chexpert';
  /** The folder with `train.csv`, or the one that the parts ("batches") of the full-size set were unpacked into. */
  readonly root: string;
  /** Default `frontal`. */
  readonly views?: ViewChoice | undefined;
  /** Split of the images of `valid.csv`; default `validation`. */
  readonly validAs?: 'validation' | 'test' | undefined;
  /** Relative to the root; default `train.csv`, `valid.csv` and `test_labels.csv` or `test.csv`, the last two if there. */
  readonly trainTable?: string | undefined;
  readonly validTable?: string | undefined;
  readonly testTable?: string | undefined;
  readonly allowMissing?: boolean | undefined;
}

type Part = 'train' | 'valid' | 'test';

export async function loadChexpert(name: string, source: ChexpertSource): Promise<Dataset> {
  const { root } = source;
  const tables = await readTables(source);
  const reader = new RowReader(source);
  const rows = new EntryTable(tables.map(({ table }) => table.file).join(', '));
  for (const { table, part, split } of tables) reader.addAll(table, part, split, rows);
  const placed = await imagePlacer(root);
  const existing = await existingPaths(
    root,
    rows.paths.flatMap((listed) => placed(listed) ?? []),
  );
  const locate = (listed: string) => {
    const path = placed(listed);
    return path !== undefined && existing.has(path) ? path : undefined;
  };
  const found = rows.finish(locate, source.allowMissing ?? false);
  return {
    name,
    root,
    ...found,
    labelNames: CHEXPERT_OBSERVATIONS,
    exclusive: false,
    patientsAssumed: false,
    notes: [...found.notes, ...reader.notes()],
  };
}

interface PartTable {
  readonly table: TextTable;
  readonly part: Part;
  readonly split: SplitName;
}

async function readTables(source: ChexpertSource): Promise<PartTable[]> {
  const { root, trainTable, validTable, testTable } = source;
  const folders = ['', ...(await publishedFolders(root))];
  const files = {
    train: await requirePublished(root, {
      name: 'train.csv',
      pattern: /^train\.csv(\.gz)?$/i,
      key: 'trainTable',
      given: trainTable,
      folders,
    }),
    valid: await findPublished(root, {
      name: 'valid.csv',
      pattern: /^valid\.csv(\.gz)?$/i,
      key: 'validTable',
      given: validTable,
      folders,
    }),
    test: await findPublished(root, {
      name: 'test_labels.csv',
      pattern: /^test(_labels)?\.csv(\.gz)?$/i,
      key: 'testTable',
      given: testTable,
      folders,
    }),
  };
  const splits: Record<Part, SplitName> = {
    train: 'train',
    valid: source.validAs ?? 'validation',
    test: 'test',
  };
  const tables: PartTable[] = [];
  for (const part of ['train', 'valid', 'test'] as const) {
    const file = files[part];
    if (file !== undefined) tables.push({ table: await readTable(file), part, split: splits[part] });
  }
  return tables;
}

/** Adds the rows of the tables to the entries, under the path `PART/patientNNNNN/studyN/FILE`. */
class RowReader {
  private readonly observations: ObservationReader;
  private readonly views: ViewFilter;
  private readonly ages = new AgeReader();

  constructor(source: ChexpertSource) {
    this.observations = new ObservationReader(source);
    this.views = new ViewFilter(source.views);
  }

  addAll(table: TextTable, part: Part, split: SplitName, rows: EntryTable): void {
    const labelsOf = this.observations.for(table, { some: part === 'test' });
    // The published test labels have neither age, sex nor view.
    const column = {
      path: table.column('Path'),
      age: table.findColumn('Age'),
      sex: table.findColumn('Sex'),
      view: table.findColumn('Frontal/Lateral'),
      projection: table.findColumn('AP/PA'),
    };
    for (const [cells, row] of table.rows()) {
      const at = (position: number | undefined) => (position === undefined ? '' : cells[position]!);
      const image = listedImage(at(column.path), part, table.file, row);
      const view = viewOf(at(column.view), image.path);
      if (!this.views.keeps(view)) continue;
      const sex = parseSex(at(column.sex));
      const entry: DatasetEntry = {
        ...image,
        split,
        ...this.ages.read(at(column.age)),
        ...(sex === undefined ? {} : { sex }),
        view: at(column.projection) || (view === 'frontal' ? 'Frontal' : 'Lateral'),
      };
      rows.add(entry, labelsOf(cells, row), row);
    }
  }

  notes(): string[] {
    return [...this.views.notes(), ...this.observations.notes(), ...this.ages.notes()];
  }
}

/** `CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg`: whatever stands before the part is dropped. */
function listedImage(
  text: string,
  part: Part,
  file: string,
  row: number,
): Pick<DatasetEntry, 'path' | 'patient'> {
  const [, folder = part, patient = '', rest = ''] =
    /(?:^|\/)(?:(train|valid|val|test)\/)?(patient[^/]+)\/(study[^/]+\/[^/]+)$/.exec(text) ?? [];
  if (patient !== '') return { path: `${folder === 'val' ? 'valid' : folder}/${patient}/${rest}`, patient };
  throw new ThawError(
    'DATA',
    `expected a path such as 'CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg' but found '${text}'.`,
    { file, row, node: 'Path', hint: "For tables of another form use 'kind: csv'." },
  );
}

function viewOf(column: string, path: string): 'frontal' | 'lateral' {
  if (column === '') return /lateral[^/]*$/i.test(path) ? 'lateral' : 'frontal';
  return column.toLowerCase() === 'lateral' ? 'lateral' : 'frontal';
}

async function publishedFolders(root: string): Promise<string[]> {
  return (await namesInRoot(root)).filter((name) => /^chexpert/i.test(name)).sort();
}

const PART_FOLDERS: Readonly<Record<Part, readonly string[]>> = {
  train: ['train'],
  valid: ['valid', 'val'],
  test: ['test'],
};

/** A function from a listed path, `PART/patientNNNNN/…`, to where it lies relative to the root, as far as the patient's folder. */
async function imagePlacer(root: string): Promise<(listed: string) => string | undefined> {
  const folderOf = await patientFolders(root);
  return (listed) => {
    const [, part, patient, rest] = /^([^/]+)\/([^/]+)(\/.*)$/.exec(listed) ?? [];
    const folder = folderOf.get(`${part}/${patient}`);
    return folder === undefined ? undefined : `${folder}/${patient}${rest}`;
  };
}

/** `PART/patientNNNNN` → folder, relative to the root, that the patient's folder lies in. */
async function patientFolders(root: string): Promise<Map<string, string>> {
  const published = await publishedFolders(root);
  const folderOf = new Map<string, string>();
  for (const part of ['train', 'valid', 'test'] as const) {
    const usual = ['', ...published.map((folder) => `${folder}/`)].flatMap((above) =>
      PART_FOLDERS[part].map((folder) => above + folder),
    );
    // The full-size set comes as `CheXpert-v1.0 batch 2 (train 1)` and so on, with the patients directly in them.
    const batches = published.filter((folder) => part === 'train' && /\(train \d+\)$/.test(folder));
    for (const folder of [...usual, ...batches]) {
      for (const patient of (await namesIn(`${root}/${folder}`)) ?? []) {
        const key = `${part}/${patient}`;
        if (!folderOf.has(key)) folderOf.set(key, folder);
      }
    }
  }
  return folderOf;
}
