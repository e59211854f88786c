import { resolve } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { listSome, suggestionOrList } from '../../base/nearest.js';
import type { Dataset, DatasetEntry, SplitName } from '../dataset.js';
import { AgeReader, parseSex } from '../demographics.js';
import { EntryTable } from '../entry-table.js';
import { namesIn } from '../image-files.js';
import { requirePublished } from '../published-files.js';
import { readLines, readTable } from '../table.js';
import { readBoxes } from './chestxray14-boxes.js';

/** ChestX-ray14 in the layout that the NIH publishes (Wang et al., CVPR 2017). */
export interface ChestXray14Source {
  readonly kind: 'chestxray14';
  readonly root: string;
  /** Relative to the root; default: the one `Data_Entry_2017*.csv[.gz]` in it. */
  readonly table?: string | undefined;
  /** Folders relative to the root; default: the root, `images` and `images_001[/images]` … as far as they exist. */
  readonly images?: readonly string[] | undefined;
  /** Go on without images that the table lists but the folders lack. */
  readonly allowMissing?: boolean | undefined;
  /** Official lists of file names, relative to the root; default `train_val_list.txt`, `test_list.txt` when both exist. */
  readonly trainList?: string | undefined;
  readonly testList?: string | undefined;
  /** Table of boxes, relative to the root; default `BBox_List_2017.csv[.gz]` where it is there. */
  readonly boxes?: string | undefined;
}

/** The 14 findings in the order of the publication. */
export const CHEST_XRAY14_LABELS: readonly string[] = [
  'Atelectasis',
  'Cardiomegaly',
  'Effusion',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pneumonia',
  'Pneumothorax',
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
];
const NO_FINDING = 'No Finding';

type Draft = { -readonly [Field in keyof DatasetEntry]: DatasetEntry[Field] };

export async function loadChestXray14(name: string, source: ChestXray14Source): Promise<Dataset> {
  const { root } = source;
  const table = await readTable(await findTable(source));
  const lists = await readOfficialLists(source);
  const boxesOf = await readBoxes(source);
  const column = {
    image: table.column('Image Index'),
    labels: table.column('Finding Labels'),
    patient: table.column('Patient ID'),
    age: table.findColumn('Patient Age'),
    sex: table.findColumn('Patient Gender') ?? table.findColumn('Patient Sex'),
    view: table.findColumn('View Position'),
  };
  const labelsOf = new FindingReader(table.file);
  const ages = new AgeReader();
  const rows = new EntryTable(table.file);
  for (const [cells, row] of table.rows()) {
    const at = (position: number | undefined) => (position === undefined ? '' : cells[position]!);
    const path = at(column.image);
    const patient = at(column.patient);
    if (path === '' || patient === '') {
      const missing = path === '' ? 'Image Index' : 'Patient ID';
      throw new ThawError('DATA', `'${missing}' is empty.`, { file: table.file, row });
    }
    const entry: Draft = { path, patient };
    const split = lists.splitOf.get(path);
    if (split !== undefined) entry.split = split;
    const age = ages.years(at(column.age));
    if (age !== undefined) entry.age = age;
    const sex = parseSex(at(column.sex));
    if (sex !== undefined) entry.sex = sex;
    const view = at(column.view);
    if (view !== '') entry.view = view;
    const boxes = boxesOf.get(path);
    if (boxes !== undefined) entry.boxes = boxes;
    rows.add(entry, labelsOf.read(at(column.labels), row), row);
  }
  const files = await findImages(source);
  const found = rows.finish((path) => files.pathOf.get(path), source.allowMissing ?? false);
  const unlisted =
    lists.splitOf.size === 0 ? 0 : found.entries.filter(({ split }) => split === undefined).length;
  return {
    name,
    root,
    ...found,
    labelNames: CHEST_XRAY14_LABELS,
    exclusive: false,
    patientsAssumed: false,
    notes: [
      ...found.notes,
      ...ages.notes(),
      ...files.notes,
      ...lists.notes,
      ...(unlisted === 0 ? [] : [`${unlisted} images are in neither official list`]),
    ],
  };
}

function findTable({ root, table }: ChestXray14Source): Promise<string> {
  return requirePublished(root, {
    name: 'Data_Entry_2017*.csv or .csv.gz',
    pattern: /^Data_Entry_2017.*\.csv(\.gz)?$/i,
    key: 'table',
    given: table,
  });
}

/** Reads `A|B` into [14] zeros and ones; the few hundred different texts are read once each. */
class FindingReader {
  private readonly known = new Map<string, readonly number[]>();

  constructor(private readonly file: string) {}

  read(text: string, row: number): readonly number[] {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const labels = this.parse(text, row);
    this.known.set(text, labels);
    return labels;
  }

  private parse(text: string, row: number): readonly number[] {
    const labels = CHEST_XRAY14_LABELS.map(() => 0);
    if (text === NO_FINDING) return labels;
    for (const part of text.split('|')) {
      const position = CHEST_XRAY14_LABELS.indexOf(part.trim());
      if (position < 0) {
        throw new ThawError('DATA', `expected findings joined by '|' but found '${text}'.`, {
          file: this.file,
          row,
          hint:
            part.trim() === NO_FINDING
              ? `'${NO_FINDING}' cannot stand beside a finding.`
              : suggestionOrList(part.trim(), [NO_FINDING, ...CHEST_XRAY14_LABELS]),
        });
      }
      labels[position] = 1;
    }
    return labels;
  }
}

interface OfficialLists {
  readonly splitOf: ReadonlyMap<string, SplitName>;
  readonly notes: readonly string[];
}

async function readOfficialLists({ root, trainList, testList }: ChestXray14Source): Promise<OfficialLists> {
  const names = new Set(await namesIn(root));
  const files = { train: trainList ?? 'train_val_list.txt', test: testList ?? 'test_list.txt' };
  const named = trainList !== undefined || testList !== undefined;
  const there = [files.train, files.test].filter((file) => names.has(file));
  if (!named && there.length < 2) {
    const notes = there.map((file) => `${file} is there without its counterpart and was not used`);
    return { splitOf: new Map(), notes };
  }
  const splitOf = new Map<string, SplitName>();
  for (const line of await readLines(resolve(root, files.train))) splitOf.set(line, 'train');
  const both: string[] = [];
  for (const line of await readLines(resolve(root, files.test))) {
    if (splitOf.get(line) === 'train') both.push(line);
    splitOf.set(line, 'test');
  }
  if (both.length === 0) return { splitOf, notes: [] };
  throw new ThawError('DATA', `${both.length} images are in both official lists: ${listSome(both, 5)}.`, {
    file: resolve(root, files.test),
    hint: 'Download the lists again.',
  });
}

interface ImageFiles {
  /** File name → path relative to the root. */
  readonly pathOf: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

async function findImages({ root, images }: ChestXray14Source): Promise<ImageFiles> {
  const pathOf = new Map<string, string>();
  let repeated = 0;
  for (const folder of images ?? (await defaultFolders(root))) {
    const names = await namesIn(resolve(root, folder));
    if (names === undefined && images === undefined) continue;
    if (names === undefined) {
      const hint = "Check 'images'; its folders are relative to root.";
      throw new ThawError('IO', 'the image folder does not exist.', { file: resolve(root, folder), hint });
    }
    const prefix = folder === '' || folder === '.' ? '' : `${folder.replace(/\/+$/, '')}/`;
    for (const name of names) {
      if (!/\.(png|jpe?g)$/i.test(name)) continue;
      if (pathOf.has(name)) repeated++;
      else pathOf.set(name, prefix + name);
    }
  }
  return {
    pathOf,
    notes: repeated === 0 ? [] : [`${repeated} images lie in several folders; the first was taken`],
  };
}

async function defaultFolders(root: string): Promise<string[]> {
  const names = (await namesIn(root)) ?? [];
  const folders = names.filter((name) => /^images(_\d+)?$/.test(name)).sort();
  return ['', ...folders.flatMap((folder) => [folder, `${folder}/images`])];
}
