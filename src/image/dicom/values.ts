import type { DataSet } from 'dicom-parser';
import type { GreyPixels, PixelSpacing } from '../grey/volume.js';
import type { Frame } from './frame.js';
import { modalityValues, numbers } from './window.js';

/** Grey pixels [height, width] in modality units. */
export interface GreyValues {
  readonly width: number;
  readonly height: number;
  readonly values: GreyPixels;
}

/** Modality values of a grey frame, MONOCHROME1 turned over; integers of 16 bits as such, others as float64. */
export function greyValues(dataSet: DataSet, { codes, description }: Frame): GreyValues {
  const stored = modalityValues(dataSet, description);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of stored) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const inverted = description.photometric === 'MONOCHROME1';
  const table = inverted ? stored.map((value) => low + high - value) : stored;
  const values = emptyFor(table, low, high, codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!;
  return { width: description.columns, height: description.rows, values };
}

function emptyFor(table: Float64Array, low: number, high: number, length: number): GreyPixels {
  if (!table.every(Number.isInteger)) return new Float64Array(length);
  if (low >= 0 && high <= 255) return new Uint8Array(length);
  if (low >= 0 && high <= 65_535) return new Uint16Array(length);
  return low >= -32_768 && high <= 32_767 ? new Int16Array(length) : new Float64Array(length);
}

/** Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing: between rows, then between columns (PS3.3 10.7.1.3). */
const SPACINGS = ['x00280030', 'x00181164', 'x00182010'];

/** Millimetres between pixels by the first element that has them; nothing where none has. */
export function spacingField(dataSet: DataSet): { spacing?: PixelSpacing } {
  for (const tag of SPACINGS) {
    const [y = 0, x = 0] = numbers(dataSet, tag);
    if (x > 0 && y > 0) return { spacing: { x, y } };
  }
  return {};
}
