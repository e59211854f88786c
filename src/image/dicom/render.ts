import type { DataSet } from 'dicom-parser';
import { messageOf, ThawError } from '../../base/errors.js';
import type { RawImage } from '../../data/dataset.js';
import { parseDicom } from '../../data/dicom-file.js';
import type { WindowRule } from '../geometry.js';
import type { PixelSpacing } from '../grey/volume.js';
import { describePixels } from './description.js';
import { type Frame, readFrame } from './frame.js';
import { refuse } from './refuse.js';
import { transferSyntax } from './syntax.js';
import { type GreyValues, greyValues, spacingField } from './values.js';
import { greyLevels } from './window.js';

/**
 * Decodes a DICOM file to 8-bit pixels [rows, columns, 1 or 3]: grey through rescale and window (docs/data.md), colour as RGB.
 * `rule` chooses the window; without it the file's first window or table, else the percentiles 0.5 to 99.5. Synchronous: a
 * radiograph takes some hundred milliseconds. Throws IMAGE, without the file, for what is damaged or not read, RUNTIME
 * where the decoders are missing.
 */
export function renderDicom(bytes: Buffer, rule?: WindowRule): RawImage {
  return withFrame(bytes, (dataSet, frame) => rendered(dataSet, frame, rule));
}

/** The same with the millimetres between its pixels, where the file says them. */
export function renderMeasured(bytes: Buffer, rule?: WindowRule): MeasuredDicom {
  return withFrame(bytes, (dataSet, frame) => ({
    image: rendered(dataSet, frame, rule),
    ...spacingField(dataSet),
  }));
}

/**
 * Grey pixels in modality units (rescale, or Modality LUT; no window), bright meaning dense: of MONOCHROME1 v becomes low + high −
 * v, between the values of the lowest and the highest code. Colour is rendered. Throws as `renderDicom`.
 */
export function measureDicom(bytes: Buffer): MeasuredDicom {
  return withFrame(bytes, (dataSet, frame) => ({
    image: frame.description.samples === 1 ? greyValues(dataSet, frame) : rendered(dataSet, frame),
    ...spacingField(dataSet),
  }));
}

/** Pixels of a DICOM file that something is measured in. */
export interface MeasuredDicom {
  readonly image: RawImage | GreyValues;
  readonly spacing?: PixelSpacing;
}

function withFrame<Result>(bytes: Buffer, use: (dataSet: DataSet, frame: Frame) => Result): Result {
  const { dataSet, fault } = parseDicom(bytes);
  try {
    const uid = dataSet.string?.('x00020010') ?? '';
    if (uid === '') refuse(`the file names no transfer syntax${fault === undefined ? '' : ` (${fault})`}.`);
    const syntax = transferSyntax(uid);
    if (Object.keys(dataSet.elements).every((tag) => tag.startsWith('x0002'))) {
      refuse(`damaged or truncated${fault === undefined ? '' : ` (${fault})`}.`);
    }
    return use(dataSet, readFrame(dataSet, syntax, describePixels(dataSet), fault));
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    // The parser's readers throw texts for values that reach beyond the file.
    throw new ThawError('IMAGE', `the file is damaged (${messageOf(cause)}).`, { cause });
  }
}

function rendered(dataSet: DataSet, frame: Frame, rule?: WindowRule): RawImage {
  const { rows, columns, samples } = frame.description;
  const data = samples === 1 ? greyLevels(dataSet, frame, rule) : rgb(frame);
  return { width: columns, height: rows, channels: samples, data };
}

/** YCbCr → RGB of 8 bits (PS3.3 C.7.6.3.1.2); JPEG 2000 has been transformed back by its decoder. */
function rgb({ codes, description, colours }: Frame): Uint8Array {
  const isYbr =
    colours === undefined
      ? ['YBR_FULL', 'YBR_FULL_422'].includes(description.photometric)
      : colours === 'ybr';
  const pixels = Uint8ClampedArray.from(codes);
  if (isYbr) {
    for (let i = 0; i < pixels.length; i += 3) {
      const [y, blue, red] = [codes[i]!, codes[i + 1]! - 128, codes[i + 2]! - 128];
      pixels[i] = y + 1.402 * red;
      pixels[i + 1] = y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587;
      pixels[i + 2] = y + 1.772 * blue;
    }
  }
  return new Uint8Array(pixels.buffer);
}
