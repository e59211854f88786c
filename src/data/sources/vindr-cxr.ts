import { posix } from 'node:path';
import { ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry, FindingBox } from '../dataset.js';
import { EntryTable } from '../entry-table.js';
import { imagesByStem } from '../image-files.js';
import { findPublished, requirePublished } from '../published-files.js';
import { readTable, type TextTable } from '../table.js';

/** VinDr-CXR as PhysioNet publishes it (Nguyen et al., Scientific Data 2022). */
export interface VindrCxrSource {
  readonly kind: 'vindr-cxr';
  readonly root: string;
  /**
   * How the readings of the three radiologists of a training image become one: a label is present when more than half of them
   * say so (`majority`, the default), or when one does (`any`). Test images come with a consensus.
   */
  readonly readings?: 'majority' | 'any' | undefined;
  readonly allowMissing?: boolean | undefined;
}

type Part = 'train' | 'test';

export async function loadVindrCxr(name: string, source: VindrCxrSource): Promise<Dataset> {
  const { root } = source;
  const train = await readTable(await labelTable(root, 'train'));
  const test = await readTable(await labelTable(root, 'test'));
  const labelNames = train.columns.filter((column) => column !== 'image_id' && column !== 'rad_id');
  const rows = new EntryTable(`${train.file}, ${test.file}`);
  for (const [table, part] of [
    [train, 'train'],
    [test, 'test'],
  ] as const) {
    const images = readReadings(table, labelNames, source.readings ?? 'majority');
    const boxesOf = await readBoxes(root, part);
    for (const [image, { labels, row }] of images) {
      const present = (boxesOf.get(image) ?? []).filter(
        ({ label }) => labels[labelNames.indexOf(label)] === 1,
      );
      const entry: DatasetEntry = {
        path: `${part}/${image}.dicom`,
        patient: image,
        split: part,
        ...(present.length === 0 ? {} : { boxes: present }),
      };
      rows.add(entry, labels, row);
    }
  }
  const files: Record<Part, ReadonlyMap<string, string> | undefined> = {
    train: await imagesByStem(root, 'train'),
    test: await imagesByStem(root, 'test'),
  };
  const locate = (listed: string) =>
    files[listed.startsWith('train/') ? 'train' : 'test']?.get(posix.basename(listed, '.dicom'));
  const found = rows.finish(locate, source.allowMissing ?? false);
  return {
    name,
    root,
    ...found,
    labelNames,
    exclusive: false,
    patientsAssumed: true,
    notes: [...found.notes, 'VinDr-CXR gives no patients: each image counts as one'],
  };
}

const FOLDERS = ['annotations', ''];

function labelTable(root: string, part: Part): Promise<string> {
  return requirePublished(root, {
    name: `annotations/image_labels_${part}.csv`,
    pattern: new RegExp(`^image_labels_${part}\\.csv(\\.gz)?$`),
    folders: FOLDERS,
  });
}

interface Reading {
  readonly labels: number[];
  /** Of its first reading. */
  readonly row: number;
}

/** `image_id` → [labelNames] zeros and ones from one row a radiologist (`rad_id`), or from one row where there is none. */
function readReadings(
  table: TextTable,
  labelNames: readonly string[],
  rule: 'majority' | 'any',
): Map<string, Reading> {
  const image = table.column('image_id');
  const radiologist = table.findColumn('rad_id');
  const positions = labelNames.map((name) => labelColumn(table, name));
  const votes = new Map<string, Reading & { readonly readers: string[] }>();
  for (const [cells, row] of table.rows()) {
    const id = cells[image]!;
    if (id === '') throw new ThawError('DATA', "'image_id' is empty.", { file: table.file, row });
    const reader = radiologist === undefined ? '' : cells[radiologist]!;
    const vote = votes.get(id) ?? { labels: labelNames.map(() => 0), row, readers: [] };
    if (vote.readers.includes(reader)) {
      const who = reader === '' ? 'The image' : `'${reader}'`;
      throw new ThawError('DATA', `${who} has a second row for '${id}'.`, {
        file: table.file,
        row,
        hint: 'Download the table again, or remove one of the rows.',
      });
    }
    vote.readers.push(reader);
    for (const [label, position] of positions.entries()) {
      vote.labels[label]! += presence(cells[position]!, labelNames[label]!, table.file, row);
    }
    votes.set(id, vote);
  }
  for (const { labels, readers } of votes.values()) {
    const least = rule === 'any' ? 1 : readers.length / 2 + 0.5;
    for (const [label, count] of labels.entries()) labels[label] = count >= least ? 1 : 0;
  }
  return votes;
}

/** A label is called `Other disease` in one place and `Other diseases` in another. */
function labelColumn(table: TextTable, name: string): number {
  const other = name.endsWith('s') ? name.slice(0, -1) : `${name}s`;
  return table.findColumn(name) ?? table.findColumn(other) ?? table.column(name);
}

function presence(text: string, label: string, file: string, row: number): 0 | 1 {
  const value = Number(text);
  if (text !== '' && (value === 0 || value === 1)) return value;
  throw new ThawError('DATA', `expected 1 or 0 but found '${text}'.`, { file, row, node: label });
}

/** `image_id` → boxes, of training images by each radiologist; empty without the table of annotations. */
async function readBoxes(root: string, part: Part): Promise<Map<string, FindingBox[]>> {
  const file = await findPublished(root, {
    name: `annotations/annotations_${part}.csv`,
    pattern: new RegExp(`^annotations_${part}\\.csv(\\.gz)?$`),
    folders: FOLDERS,
  });
  const boxesOf = new Map<string, FindingBox[]>();
  if (file === undefined) return boxesOf;
  const table = await readTable(file);
  const [image, label] = [table.column('image_id'), table.column('class_name')];
  const corners = ['x_min', 'y_min', 'x_max', 'y_max'].map((name) => table.column(name));
  for (const [cells, row] of table.rows()) {
    const texts = corners.map((position) => cells[position]!);
    if (texts.every((text) => text === '')) continue; // Of the whole image.
    const [x, y, right, bottom] = texts.map(Number) as [number, number, number, number];
    if (texts.includes('') || !(right > x && bottom > y)) {
      throw new ThawError('DATA', `expected x_min < x_max and y_min < y_max but found ${texts.join(', ')}.`, {
        file,
        row,
      });
    }
    const boxes = boxesOf.get(cells[image]!) ?? [];
    boxes.push({ label: cells[label]!, x, y, width: right - x, height: bottom - y });
    boxesOf.set(cells[image]!, boxes);
  }
  return boxesOf;
}
