import type { DataSet } from 'dicom-parser';
import { textOf } from '../../data/dicom-file.js';
import { refuse } from './refuse.js';

const GREY = ['MONOCHROME1', 'MONOCHROME2'] as const;
const COLOUR = ['RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_ICT', 'YBR_RCT'] as const;
export type Photometric = (typeof GREY)[number] | (typeof COLOUR)[number];

/** The same limit as for other kinds of images. */
const MAXIMUM_PIXELS = 100_000_000;

/** What the header says about the pixels (Image Pixel Module, PS3.3 C.7.6.3). */
export interface PixelDescription {
  readonly rows: number;
  readonly columns: number;
  readonly samples: 1 | 3;
  readonly photometric: Photometric;
  /** Colours lie plane by plane. */
  readonly planar: boolean;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
}

/** Reads and checks the description; refuses what is not one image of 8 to 16 bits. */
export function describePixels(dataSet: DataSet): PixelDescription {
  refuseOtherKinds(dataSet);
  const rows = whole(dataSet, 'x00280010', 'Rows');
  const columns = whole(dataSet, 'x00280011', 'Columns');
  if (rows < 1 || columns < 1) refuse(`expected pixels, the header says ${columns} × ${rows}.`);
  if (rows * columns > MAXIMUM_PIXELS) refuse('the image has more than 100 megapixels.');
  const photometric = photometricOf(dataSet);
  const samples = whole(dataSet, 'x00280002', 'Samples per Pixel');
  const colour = (COLOUR as readonly string[]).includes(photometric);
  if (samples !== (colour ? 3 : 1)) {
    refuse(`expected ${colour ? 3 : 1} samples per pixel for ${photometric}, the header says ${samples}.`);
  }
  return {
    rows,
    columns,
    samples: colour ? 3 : 1,
    photometric,
    planar: dataSet.uint16('x00280006') === 1,
    ...bitsOf(dataSet, colour),
    signed: whole(dataSet, 'x00280103', 'Pixel Representation') === 1,
  };
}

/** What a cell of `bitsStored` bits stands for: negative numbers are two's complements. */
export function storedValue(code: number, { bitsStored, signed }: PixelDescription): number {
  return signed && code >= 2 ** (bitsStored - 1) ? code - 2 ** bitsStored : code;
}

function refuseOtherKinds(dataSet: DataSet): void {
  const frames = textOf(dataSet, 'x00280008');
  if (frames !== '' && Number(frames) !== 1) {
    refuse(`expected one frame, the file has ${frames.slice(0, 16)}.`, 'Split multi-frame files first.');
  }
  if ('x52009229' in dataSet.elements || 'x52009230' in dataSet.elements) {
    refuse(
      'enhanced images (with functional groups) are not read.',
      'Convert them to classic single images.',
    );
  }
  if ('x7fe00008' in dataSet.elements || 'x7fe00009' in dataSet.elements) {
    refuse('expected whole numbers as pixels, the file has floating point numbers.');
  }
}

function photometricOf(dataSet: DataSet): Photometric {
  const photometric = textOf(dataSet, 'x00280004');
  const known: readonly string[] = [...GREY, ...COLOUR];
  if (known.includes(photometric)) return photometric as Photometric;
  return refuse(
    `the photometric interpretation ${photometric === '' ? 'is missing' : `${photometric.slice(0, 20)} is not read`}.`,
    'MONOCHROME1, MONOCHROME2, RGB and YBR_FULL are.',
  );
}

function bitsOf(
  dataSet: DataSet,
  colour: boolean,
): Pick<PixelDescription, 'bitsAllocated' | 'bitsStored' | 'highBit'> {
  const bitsAllocated = whole(dataSet, 'x00280100', 'Bits Allocated');
  const bitsStored = whole(dataSet, 'x00280101', 'Bits Stored');
  const highBit = dataSet.elements.x00280102 ? whole(dataSet, 'x00280102', 'High Bit') : bitsStored - 1;
  if (bitsAllocated !== 8 && bitsAllocated !== 16) {
    return refuse(`expected 8 or 16 bits allocated, the header says ${bitsAllocated}.`);
  }
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    refuse(`${bitsStored} bits stored up to bit ${highBit} do not fit into ${bitsAllocated} bits allocated.`);
  }
  if (colour && bitsStored !== 8) refuse(`colour with ${bitsStored} bits a sample is not read, only with 8.`);
  return { bitsAllocated, bitsStored, highBit };
}

function whole(dataSet: DataSet, tag: string, name: string): number {
  const element = dataSet.elements[tag];
  if (element === undefined || element.length !== 2) refuse(`the header has no ${name}.`);
  return dataSet.uint16(tag) ?? refuse(`the header has no ${name}.`);
}
