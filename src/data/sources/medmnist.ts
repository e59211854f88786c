import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import { listSome } from '../../base/nearest.js';
import type { Dataset, DatasetEntry, EmbeddedImages, RawImage, SplitName } from '../dataset.js';
import { namesIn } from '../image-files.js';
import { type NpzArray, NpzSlices, numbersOf, openNpz } from '../npz.js';
import { medmnistLabels } from './medmnist-labels.js';

/** A 2-D set of MedMNIST at any size (Yang et al., Sci Data 2023, doi 10.1038/s41597-022-01721-8), or of the same form. */
export interface MedmnistSource {
  readonly kind: 'medmnist';
  readonly root: string;
  /** Relative to the root; default: the one `.npz` in it. */
  readonly file?: string | undefined;
  /** By number; default: those of the official set by the file's name, else the numbers. */
  readonly labelNames?: readonly string[] | undefined;
}

/** The set's word for each part. */
const PARTS = { train: 'train', validation: 'val', test: 'test' } as const satisfies Record<
  SplitName,
  string
>;
const SPLITS = Object.keys(PARTS) as SplitName[];
/** Small archives can claim much: what is made from them stays bounded (the largest official set has 236,386 images). */
const MOST_IMAGES = 2_000_000;
const MOST_LABELS = 1000;
const MOST_CELLS = 2 ** 26;
const MOST_PIXELS = 100_000_000;

interface Part {
  readonly split: SplitName;
  readonly images: NpzArray;
  readonly labels: NpzArray;
  readonly count: number;
}

/**
 * Reads the arrays `{train,val,test}_labels` [n, L] or [n] and the headers of `{train,val,test}_images` uint8 [n, H, W] or
 * [n, H, W, 3]; pixels are read by the ingest. One label column holds classes, several hold findings, 1 or 0 (NaN unknown).
 */
export async function loadMedmnist(name: string, source: MedmnistSource): Promise<Dataset> {
  const file = await findFile(source);
  const parts = await openParts(file);
  const { labelNames, labels, exclusive } = await readLabels(parts, source, file);
  const entries = parts.flatMap(({ split, count }) =>
    Array.from({ length: count }, (_, index): DatasetEntry => {
      const path = `${basename(file)}/${PARTS[split]}/${index}`;
      return { path, patient: path, split };
    }),
  );
  return {
    name,
    root: source.root,
    entries,
    labelNames,
    labels,
    embedded: embeddedImages(parts, file),
    exclusive,
    missingImages: 0,
    patientsAssumed: true,
    notes: ['MedMNIST names no patients: its own split is taken on trust'],
  };
}

async function findFile({ root, file }: MedmnistSource): Promise<string> {
  if (file !== undefined) return resolve(root, file);
  const names = await namesIn(root);
  if (names === undefined) {
    throw new ThawError('IO', 'the folder of the data set does not exist.', {
      file: root,
      hint: "Check 'root'.",
    });
  }
  const archives = names.filter((each) => /\.npz$/i.test(each)).sort();
  if (archives.length === 1) return resolve(root, archives[0]!);
  throw new ThawError(
    'DATA',
    archives.length === 0 ? 'no .npz file in the folder.' : `several .npz files: ${listSome(archives, 10)}.`,
    { file: root, hint: "Name it with 'file: pneumoniamnist.npz' (relative to root)." },
  );
}

async function openParts(file: string): Promise<readonly Part[]> {
  const arrays = await openNpz(
    file,
    SPLITS.flatMap((split) => [`${PARTS[split]}_images`, `${PARTS[split]}_labels`] as const),
  );
  const parts = SPLITS.map((split): Part => {
    const images = arrays[`${PARTS[split]}_images`];
    const labels = arrays[`${PARTS[split]}_labels`];
    checkImages(images);
    const count = images.shape[0]!;
    if (labels.shape.length < 1 || labels.shape.length > 2 || labels.shape[0] !== count) {
      throw wrong(labels, `labels of shape (${count}, L)`, `(${labels.shape.join(', ')})`);
    }
    return { split, images, labels, count };
  });
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0 || total > MOST_IMAGES) {
    throw new ThawError('DATA', `expected 1 to ${MOST_IMAGES} images, found ${total}.`, { file });
  }
  return parts;
}

function checkImages(images: NpzArray): void {
  const { shape, type, typeName } = images;
  if (type !== 'u1') throw wrong(images, 'images of uint8', `type '${typeName}'`);
  const [, height = 0, width = 0, channels = 1] = shape;
  const flat = shape.length === 3 || (shape.length === 4 && (channels === 1 || channels === 3));
  if (!flat) {
    const hint = shape.length >= 4 ? 'Volumes are not read.' : undefined;
    throw wrong(images, 'images of shape (n, H, W) or (n, H, W, 3)', `(${shape.join(', ')})`, hint);
  }
  if (height < 1 || width < 1 || height * width > MOST_PIXELS) {
    throw wrong(images, 'images of at most 100 megapixels', `${height} × ${width}`);
  }
}

function wrong(array: NpzArray, expected: string, found: string, hint?: string): ThawError {
  return new ThawError('DATA', `expected ${expected}, found ${found}.`, {
    file: array.file,
    node: array.name,
    ...(hint === undefined ? {} : { hint }),
  });
}

interface Labels {
  readonly labelNames: readonly string[];
  readonly labels: Float32Array;
  readonly exclusive: boolean;
}

async function readLabels(parts: readonly Part[], source: MedmnistSource, file: string): Promise<Labels> {
  const columns = parts[0]!.labels.shape[1] ?? 1;
  if (columns < 1 || columns > MOST_LABELS) {
    throw wrong(parts[0]!.labels, `1 to ${MOST_LABELS} columns of labels`, String(columns));
  }
  for (const { labels } of parts) {
    if ((labels.shape[1] ?? 1) !== columns) {
      throw wrong(labels, `${columns} columns of labels as in training`, `(${labels.shape.join(', ')})`);
    }
  }
  const names = source.labelNames ?? medmnistLabels(basename(file));
  return columns === 1 ? readClasses(parts, names) : readFindings(parts, columns, names);
}

async function readClasses(parts: readonly Part[], names: readonly string[] | undefined): Promise<Labels> {
  const most = names?.length ?? MOST_LABELS;
  const classes: number[] = [];
  let highest = (names?.length ?? 1) - 1;
  for (const { labels } of parts) {
    for (const [row, value] of (await numbersOf(labels)).entries()) {
      if (!Number.isInteger(value) || value < 0 || value >= most) {
        throw wrong(labels, `a class from 0 to ${most - 1} at [${row}]`, String(value), namesHint(names));
      }
      highest = Math.max(highest, value);
      classes.push(value);
    }
  }
  const labelNames = names ?? Array.from({ length: highest + 1 }, (_, index) => String(index));
  const cells = classes.length * labelNames.length;
  if (cells > MOST_CELLS)
    throw wrong(parts[0]!.labels, `at most ${MOST_CELLS} images × classes`, String(cells));
  const labels = new Float32Array(cells);
  for (const [row, value] of classes.entries()) labels[row * labelNames.length + value] = 1;
  return { labelNames, labels, exclusive: true };
}

async function readFindings(
  parts: readonly Part[],
  columns: number,
  names: readonly string[] | undefined,
): Promise<Labels> {
  const labelNames = names ?? Array.from({ length: columns }, (_, index) => String(index));
  if (labelNames.length !== columns) {
    throw wrong(
      parts[0]!.labels,
      `${labelNames.length} columns, one a label`,
      String(columns),
      namesHint(names),
    );
  }
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const found = new Float32Array(count * columns);
  let filled = 0;
  for (const { labels } of parts) {
    for (const [at, value] of (await numbersOf(labels)).entries()) {
      if (value !== 0 && value !== 1 && !Number.isNaN(value)) {
        const place = `[${Math.floor(at / columns)}, ${at % columns}]`;
        throw wrong(labels, `0 or 1 at ${place}`, String(value));
      }
      found[filled++] = value;
    }
  }
  return { labelNames, labels: found, exclusive: false };
}

function namesHint(names: readonly string[] | undefined): string | undefined {
  return names === undefined ? undefined : "Name all labels in their order with 'labelNames: […]'.";
}

function embeddedImages(parts: readonly Part[], file: string): EmbeddedImages {
  const slices = parts.map(({ images, count }) => ({
    shape: images.shape,
    count,
    of: new NpzSlices(images),
  }));
  const read = async (row: number): Promise<RawImage> => {
    let index = row;
    for (const { shape, count, of } of slices) {
      if (index < count) {
        const [, height = 0, width = 0, channels] = shape;
        return { height, width, channels: channels === 3 ? 3 : 1, data: await of.slice(index) };
      }
      index -= count;
    }
    throw new RangeError(`row ${row} of ${file}`);
  };
  return { identity: () => identityOf(file), read };
}

/** Size and modification time in whole milliseconds, as for image files. */
async function identityOf(file: string): Promise<string> {
  try {
    const { size, mtimeMs } = await stat(file);
    return `${size}\t${Math.round(mtimeMs)}`;
  } catch (cause) {
    throw ioError(cause, file, 'read');
  }
}
