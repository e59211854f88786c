import { readFile } from 'node:fs/promises';
import { ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import { suggestionOrList } from '../../base/nearest.js';
import type { Dataset, DatasetEntry, FindingBox } from '../dataset.js';
import { EntryTable } from '../entry-table.js';
import { imagesByStem } from '../image-files.js';
import { findPublished, requirePublished } from '../published-files.js';
import { readTable } from '../table.js';

/** The RSNA Pneumonia Detection Challenge, stage 2, as Kaggle publishes it (Shih et al., Radiology: AI 2019). */
export interface RsnaPneumoniaSource {
  readonly kind: 'rsna-pneumonia';
  readonly root: string;
  /** `pneumonia` (default): one label. `classes`: the three classes of the detailed table, of which each image has one. */
  readonly labels?: 'pneumonia' | 'classes' | undefined;
  /** Relative to the root; default `stage_2_train_images`. */
  readonly images?: string | undefined;
  readonly allowMissing?: boolean | undefined;
}

const PNEUMONIA = 'Pneumonia';
const OPACITY = 'Lung Opacity';
const CLASSES: readonly string[] = ['Normal', 'No Lung Opacity / Not Normal', OPACITY];

export async function loadRsnaPneumonia(name: string, source: RsnaPneumoniaSource): Promise<Dataset> {
  const { root, labels: wanted = 'pneumonia' } = source;
  const targets = await readTargets(root, wanted === 'classes' ? OPACITY : PNEUMONIA);
  const classOf = wanted === 'classes' ? await readClasses(root) : undefined;
  const patientOf = await readPatients(root);
  const rows = new EntryTable(targets.file);
  let unmapped = 0;
  for (const [image, { present, boxes, row }] of targets.images) {
    const patient = patientOf?.get(image);
    if (patientOf !== undefined && patient === undefined) unmapped++;
    const entry: DatasetEntry = {
      path: image,
      patient: patient ?? image,
      ...(boxes.length === 0 ? {} : { boxes }),
    };
    rows.add(entry, classOf === undefined ? [present] : classOf(image, targets.file, row), row);
  }
  const files = await imagesByStem(root, source.images ?? 'stage_2_train_images');
  const found = rows.finish((image) => files?.get(image), source.allowMissing ?? false);
  return {
    name,
    root,
    ...found,
    labelNames: classOf === undefined ? [PNEUMONIA] : CLASSES,
    exclusive: classOf !== undefined,
    patientsAssumed: patientOf === undefined,
    notes: [
      ...found.notes,
      ...(patientOf === undefined
        ? [`'patientId' is an image's own: some patients have several; add ${MAPPING} to tell them apart`]
        : []),
      ...(unmapped === 0 ? [] : [`${unmapped} images are not in the mapping: each counts as a patient`]),
    ],
  };
}

interface Target {
  readonly present: 0 | 1;
  readonly boxes: FindingBox[];
  /** The first of its rows. */
  readonly row: number;
}

/** `patientId` → target and boxes; an image has a row for each of its boxes, or one without a box. */
async function readTargets(
  root: string,
  label: string,
): Promise<{ file: string; images: Map<string, Target> }> {
  const file = await requirePublished(root, {
    name: 'stage_2_train_labels.csv',
    pattern: /^stage_2_train_labels\.csv(\.gz)?$/,
  });
  const table = await readTable(file);
  const [image, target] = [table.column('patientId'), table.column('Target')];
  const sides = ['x', 'y', 'width', 'height'].map((name) => table.column(name));
  const images = new Map<string, Target>();
  for (const [cells, row] of table.rows()) {
    const [id, text] = [cells[image]!, cells[target]!];
    const present = text === '1' ? 1 : text === '0' ? 0 : undefined;
    if (id === '' || present === undefined) {
      const problem =
        id === '' ? "'patientId' is empty." : `expected 1 or 0 in 'Target' but found '${text}'.`;
      throw new ThawError('DATA', problem, { file, row });
    }
    const known = images.get(id) ?? { present, boxes: [], row };
    if (known.present !== present) {
      throw new ThawError('DATA', `'${id}' has another Target than in row ${known.row}.`, { file, row });
    }
    if (present === 1)
      known.boxes.push(
        boxOf(
          sides.map((position) => cells[position]!),
          label,
          file,
          row,
        ),
      );
    images.set(id, known);
  }
  return { file, images };
}

function boxOf(texts: readonly string[], label: string, file: string, row: number): FindingBox {
  const [x, y, width, height] = texts.map(Number) as [number, number, number, number];
  if (!texts.includes('') && x >= 0 && y >= 0 && width > 0 && height > 0)
    return { label, x, y, width, height };
  throw new ThawError('DATA', `expected a box (x, y, width, height) but found ${texts.join(', ')}.`, {
    file,
    row,
  });
}

/** Reads the class of an image as [CLASSES] zeros and a one. */
async function readClasses(
  root: string,
): Promise<(image: string, listedIn: string, row: number) => readonly number[]> {
  const file = await requirePublished(root, {
    name: 'stage_2_detailed_class_info.csv',
    pattern: /^stage_2_detailed_class_info\.csv(\.gz)?$/,
  });
  const table = await readTable(file);
  const [image, column] = [table.column('patientId'), table.column('class')];
  const vectors = new Map(CLASSES.map((word) => [word, CLASSES.map((other) => (other === word ? 1 : 0))]));
  const classOf = new Map<string, string>();
  for (const [cells, row] of table.rows()) {
    const [id, word] = [cells[image]!, cells[column]!];
    if (!vectors.has(word)) {
      const hint = suggestionOrList(word, CLASSES);
      throw new ThawError('DATA', `unknown class '${word}'.`, { file, row, node: 'class', hint });
    }
    const known = classOf.get(id) ?? word;
    if (known !== word) {
      throw new ThawError('DATA', `'${id}' is of class '${word}' here and '${known}' above.`, { file, row });
    }
    classOf.set(id, word);
  }
  return (id, listedIn, row) => {
    const word = classOf.get(id);
    if (word !== undefined) return vectors.get(word)!;
    throw new ThawError('DATA', `'${id}' has no class in ${file}.`, { file: listedIn, row });
  };
}

const MAPPING = 'pneumonia-challenge-dataset-mappings_2018.json';

/**
 * `patientId` → patient of ChestX-ray14, which all images come from: RSNA's mapping names the original image of each
 * (`00018092_002.png`). Undefined when the mapping is not in the root.
 */
async function readPatients(root: string): Promise<Map<string, string> | undefined> {
  const file = await findPublished(root, {
    name: MAPPING,
    pattern: /^pneumonia-challenge-dataset-mappings.*\.json$/,
  });
  if (file === undefined) return undefined;
  const bytes = await readFile(file, 'utf8').catch((cause) => {
    throw ioError(cause, file, 'read');
  });
  let items: unknown;
  try {
    items = JSON.parse(bytes);
  } catch (cause) {
    throw new ThawError('DATA', 'the file is not JSON.', { file, hint: 'Download it again.', cause });
  }
  const patientOf = new Map<string, string>();
  for (const item of Array.isArray(items) ? items : []) {
    const { subset_img_id: image, img_id: original } = item as Record<string, unknown>;
    const patient = typeof original === 'string' ? /^(\d+)_\d+/.exec(original)?.[1] : undefined;
    if (typeof image === 'string' && patient !== undefined) patientOf.set(image, patient);
  }
  if (patientOf.size > 0) return patientOf;
  throw new ThawError('DATA', "expected a list of items with 'subset_img_id' and 'img_id'.", {
    file,
    hint: 'Download it again, or remove it: each image then counts as a patient.',
  });
}
