import { posix } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { suggestionOrList } from '../../base/nearest.js';
import type { Dataset, DatasetEntry } from '../dataset.js';
import { AgeReader, parseSex } from '../demographics.js';
import { EntryTable } from '../entry-table.js';
import { namesIn } from '../image-files.js';
import { requirePublished } from '../published-files.js';
import { readTable, type TextTable } from '../table.js';
import { type ViewChoice, ViewFilter } from '../views.js';
import { parsePythonList } from './python-list.js';

/** PadChest as BIMCV publishes it (Bustos et al., Medical Image Analysis 2020). */
export interface PadchestSource {
  readonly kind: 'padchest';
  readonly root: string;
  /** Relative to the root; default: the one `PADCHEST_chest_x_ray_images_labels*.csv[.gz]` in it. */
  readonly table?: string | undefined;
  /** Findings and diagnoses that become labels, beside `No Finding`; default: those of at least `minImages` images. */
  readonly labels?: readonly string[] | undefined;
  /** Default 100; counts the images that are used. */
  readonly minImages?: number | undefined;
  /** Who or what read the report: `physician` (27 % of the images), `rnn` (a network), or `all` (default). */
  readonly method?: 'physician' | 'rnn' | 'all' | undefined;
  /** Default `frontal`: projections PA, AP and AP_horizontal. `lateral` is L. */
  readonly views?: ViewChoice | undefined;
  /** Images with any of these labels are left out; default `exclude`, `suboptimal study` and `unchanged`. */
  readonly excludeLabels?: readonly string[] | undefined;
  /** Folder relative to the root that has the images, or the folders 0 to 54 with them; default: the root, then `images`. */
  readonly images?: string | undefined;
  readonly allowMissing?: boolean | undefined;
}

/** What PadChest calls a report without any finding, and the label that stands for it here. */
const NORMAL = 'normal';
const NO_FINDING = 'No Finding';
const EXCLUDED: readonly string[] = ['exclude', 'suboptimal study', 'unchanged'];
const COLUMNS = {
  image: 'ImageID',
  folder: 'ImageDir',
  patient: 'PatientID',
  studyDate: 'StudyDate_DICOM',
  birth: 'PatientBirth',
  sex: 'PatientSex_DICOM',
  projection: 'Projection',
  method: 'MethodLabel',
  labels: 'Labels',
} as const;

export async function loadPadchest(name: string, source: PadchestSource): Promise<Dataset> {
  const { root } = source;
  const file = await requirePublished(root, {
    name: 'PADCHEST_chest_x_ray_images_labels_160K_*.csv or .csv.gz',
    pattern: /^PADCHEST_chest_x_ray_images_labels.*\.csv(\.gz)?$/i,
    key: 'table',
    given: source.table,
  });
  // The reports are most of the table and are not needed.
  const table = await readTable(file, { only: Object.values(COLUMNS) });
  const reader = new RowReader(table, source);
  const kept = [...reader.rows()];
  const labelNames = [NO_FINDING, ...chosenLabels(kept, source)];
  const vectorOf = labelVectors(labelNames);
  const rows = new EntryTable(file);
  for (const { entry, labels, row } of kept) rows.add(entry, vectorOf(labels), row);
  const pathOf = await findImages(source, new Set(kept.map(({ folder }) => folder)));
  const found = rows.finish((image) => pathOf.get(image), source.allowMissing ?? false);
  return {
    name,
    root,
    ...found,
    labelNames,
    exclusive: false,
    patientsAssumed: false,
    notes: [...found.notes, ...reader.notes()],
  };
}

/** What a row says; rows with equal `Labels` share one set. `normal` is in it only where nothing else is. */
interface Row {
  /** With the image's name for its path. */
  readonly entry: DatasetEntry;
  readonly labels: ReadonlySet<string>;
  readonly folder: string;
  readonly row: number;
}

/** Goes through the rows and counts why some are left out. */
class RowReader {
  private readonly column: Record<keyof typeof COLUMNS, number>;
  private readonly views: ViewFilter;
  private readonly ages = new AgeReader();
  private readonly excluded: readonly string[];
  private readonly known = new Map<string, ReadonlySet<string>>();
  private readonly counts = { method: 0, unlabelled: 0, excluded: 0, projection: 0 };

  constructor(
    private readonly table: TextTable,
    private readonly source: PadchestSource,
  ) {
    const position = (key: keyof typeof COLUMNS) => table.column(COLUMNS[key]);
    this.column = {
      image: position('image'),
      folder: position('folder'),
      patient: position('patient'),
      studyDate: position('studyDate'),
      birth: position('birth'),
      sex: position('sex'),
      projection: position('projection'),
      method: position('method'),
      labels: position('labels'),
    };
    this.views = new ViewFilter(source.views);
    this.excluded = (source.excludeLabels ?? EXCLUDED).map(normalLabel);
  }

  *rows(): Generator<Row> {
    for (const [cells, row] of this.table.rows()) {
      const at = (key: keyof typeof COLUMNS) => cells[this.column[key]]!;
      if (!this.isUsed(at('method'), at('projection'), row)) continue;
      const labels = this.labelsOf(at('labels'), row);
      if (labels.size === 0) this.counts.unlabelled++;
      else if (this.excluded.some((label) => labels.has(label))) this.counts.excluded++;
      else yield { entry: this.entry(at, row), labels, folder: at('folder'), row };
    }
  }

  notes(): string[] {
    const { method, unlabelled, excluded, projection } = this.counts;
    return [
      ...(method === 0
        ? []
        : [`${method} images labelled otherwise left out (method: ${this.source.method})`]),
      ...this.views.notes(),
      ...(projection === 0 ? [] : [`${projection} images of the projection EXCLUDE left out`]),
      ...(unlabelled === 0 ? [] : [`${unlabelled} images without labels left out`]),
      ...(excluded === 0 ? [] : [`${excluded} images labelled ${this.excluded.join(', ')} left out`]),
      ...this.ages.notes(),
    ];
  }

  private isUsed(methodText: string, projection: string, row: number): boolean {
    const method = /^physician/i.test(methodText)
      ? 'physician'
      : /^rnn/i.test(methodText)
        ? 'rnn'
        : undefined;
    if (method === undefined) {
      throw new ThawError('DATA', `expected Physician or RNN_model but found '${methodText}'.`, {
        file: this.table.file,
        row,
        node: COLUMNS.method,
      });
    }
    const { method: wanted = 'all' } = this.source;
    if (wanted !== 'all' && method !== wanted) {
      this.counts.method++;
      return false;
    }
    if (projection === 'EXCLUDE') {
      this.counts.projection++;
      return false;
    }
    return this.views.keeps(viewGroup(projection));
  }

  private labelsOf(text: string, row: number): ReadonlySet<string> {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const items = text === '' || text === 'nan' ? [] : parsePythonList(text);
    if (items === undefined) {
      throw new ThawError('DATA', `expected a list such as ['normal'] but found '${text}'.`, {
        file: this.table.file,
        row,
        node: COLUMNS.labels,
        hint: 'The table may have been changed by a spreadsheet: download it again.',
      });
    }
    const labels = new Set(items.map(normalLabel).filter((label) => label !== ''));
    if (labels.size > 1) labels.delete(NORMAL);
    this.known.set(text, labels);
    return labels;
  }

  private entry(at: (key: keyof typeof COLUMNS) => string, row: number): DatasetEntry {
    const [path, patient] = [at('image'), at('patient')];
    if (path === '' || patient === '') {
      const node = path === '' ? COLUMNS.image : COLUMNS.patient;
      throw new ThawError('DATA', `'${node}' is empty.`, { file: this.table.file, row });
    }
    const sex = parseSex(at('sex'));
    const view = at('projection');
    return {
      path,
      patient,
      ...this.ages.read(ageText(at('studyDate'), at('birth'))),
      ...(sex === undefined ? {} : { sex }),
      ...(view === '' ? {} : { view }),
    };
  }
}

/** Some labels come with blanks around them. */
function normalLabel(label: string): string {
  return label.trim().toLowerCase();
}

function viewGroup(projection: string): 'frontal' | 'lateral' | 'other' {
  if (/^(PA|AP|AP_horizontal)$/.test(projection)) return 'frontal';
  return projection === 'L' ? 'lateral' : 'other';
}

/** Years from the birth (`1930.0`, a year) to the study (`20140915`); the table gives no age. */
function ageText(studyDate: string, birth: string): string {
  const [study, born] = [Number(studyDate.slice(0, 4)), Number(birth)];
  return studyDate === '' || birth === '' || Number.isNaN(study - born) ? '' : String(study - born);
}

function chosenLabels(rows: readonly Row[], { labels: wanted, minImages = 100 }: PadchestSource): string[] {
  const counts = new Map<string, number>();
  for (const { labels } of rows) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  counts.delete(NORMAL);
  if (wanted === undefined) {
    return [...counts].flatMap(([label, count]) => (count >= minImages ? [label] : [])).sort();
  }
  const chosen = [...new Set(wanted.map(normalLabel))].filter((label) => label !== NORMAL);
  const unknown = chosen.find((label) => !counts.has(label));
  if (unknown === undefined) return chosen;
  throw new ThawError('CONFIG', `no image is labelled '${unknown}'.`, {
    node: 'labels',
    hint: suggestionOrList(unknown, [...counts.keys()].sort()),
  });
}

/** Set of labels → [names] zeros and ones; equal sets share one array. */
function labelVectors(names: readonly string[]): (labels: ReadonlySet<string>) => readonly number[] {
  const words = names.map((name) => (name === NO_FINDING ? NORMAL : name));
  const known = new Map<ReadonlySet<string>, readonly number[]>();
  return (labels) => {
    const vector = known.get(labels) ?? words.map((word) => (labels.has(word) ? 1 : 0));
    known.set(labels, vector);
    return vector;
  };
}

/** File name → path relative to the root. The images lie in the folders 0 to 54 of the download, or all in one. */
async function findImages(
  source: PadchestSource,
  folders: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const { root, images } = source;
  const pathOf = new Map<string, string>();
  for (const base of images === undefined ? ['', 'images'] : [images]) {
    for (const folder of ['', ...folders].map((name) => posix.join(base, name))) {
      for (const name of (await namesIn(posix.join(root, folder))) ?? []) {
        if (name.toLowerCase().endsWith('.png') && !pathOf.has(name))
          pathOf.set(name, posix.join(folder, name));
      }
    }
  }
  return pathOf;
}
