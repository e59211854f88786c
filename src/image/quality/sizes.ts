import { open } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '../../data/dataset.js';
import { parseDicom } from '../../data/dicom-file.js';
import { isDicomFile } from '../../data/dicom-patients.js';

/** Files whose headers are read at a time. */
const LANES = 16;
/** Of images that are no files, so many are read: there is no header to look at. */
const EMBEDDED_SAMPLE = 100;

/** Enough for most headers. */
const DICOM_HEADER_BYTES = 64 << 10;
const ROWS = 'x00280010';
const COLUMNS = 'x00280011';

/** Width and height of the images before they were laid out, upright. */
export interface OriginalSizes {
  /** Images whose size was read. */
  readonly known: number;
  /** Most frequent first, then by area. */
  readonly sizes: readonly { readonly width: number; readonly height: number; readonly images: number }[];
}

/** Reads the headers of all image files (or a spread sample of embedded images); unreadable ones are left out. */
export async function originalSizes(dataset: Dataset, signal?: AbortSignal): Promise<OriginalSizes> {
  const counts = new Map<string, { width: number; height: number; images: number }>();
  const rows = rowsToRead(dataset);
  const lane = async (): Promise<void> => {
    for (const row of rows) {
      if (signal?.aborted === true) return;
      const size = await sizeOf(dataset, row).catch(() => undefined);
      if (size === undefined) continue;
      const key = `${size.width} ${size.height}`;
      const entry = counts.get(key) ?? { ...size, images: 0 };
      entry.images++;
      counts.set(key, entry);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const sizes = [...counts.values()].sort(
    (a, b) => b.images - a.images || b.width * b.height - a.width * a.height || b.width - a.width,
  );
  return { known: sizes.reduce((sum, { images }) => sum + images, 0), sizes };
}

function rowsToRead({ entries, embedded }: Dataset): IterableIterator<number> {
  const step = embedded === undefined ? 1 : Math.max(1, Math.floor(entries.length / EMBEDDED_SAMPLE));
  return Array.from({ length: Math.ceil(entries.length / step) }, (_, index) => index * step).values();
}

async function sizeOf(
  { root, entries, embedded }: Dataset,
  row: number,
): Promise<{ width: number; height: number }> {
  if (embedded !== undefined) {
    const { width, height } = await embedded.read(row);
    return { width, height };
  }
  const path = join(root, entries[row]!.path);
  if (await isDicomFile(path)) return dicomSize(path);
  const { autoOrient } = await sharp(path).metadata();
  return autoOrient;
}

/** Rows and Columns of a DICOM header. */
async function dicomSize(path: string): Promise<{ width: number; height: number }> {
  const handle = await open(path, 'r');
  try {
    for (let length = DICOM_HEADER_BYTES; ; length *= 16) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
      const { dataSet } = parseDicom(buffer.subarray(0, bytesRead), { untilTag: COLUMNS, partial: true });
      const height = dataSet.uint16(ROWS);
      const width = dataSet.uint16(COLUMNS);
      if (height !== undefined && width !== undefined) return { width, height };
      if (bytesRead < length) throw new Error('no size in the header');
    }
  } finally {
    await handle.close();
  }
}
