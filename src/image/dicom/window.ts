import type { DataSet } from 'dicom-parser';
import { textOf } from '../../data/dicom-file.js';
import type { WindowRule } from '../geometry.js';
import { type PixelDescription, storedValue } from './description.js';
import type { Frame } from './frame.js';
import { type LookupTable, lookupTables } from './lookup.js';
import { percentiles } from './percentile.js';
import { refuse } from './refuse.js';

/** Percentiles that become black and white where the file has no window. */
const OUTER_PERCENTILES = [0.5, 99.5] as const;
const FUNCTIONS = ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'] as const;
type WindowFunction = (typeof FUNCTIONS)[number];

/** Modality value → grey level, 0 to 255, not yet rounded. */
type GreyOf = (value: number) => number;

/**
 * Grey image as 8-bit levels [rows, columns], 0 black: stored value → modality value (rescale, or Modality LUT) → window →
 * rounded half up; MONOCHROME1 is inverted last. Refuses windows that the file lacks or that are none.
 */
export function greyLevels(dataSet: DataSet, { codes, description }: Frame, rule?: WindowRule): Uint8Array {
  const modality = modalityValues(dataSet, description);
  const greyOf = chooseWindow(dataSet, description, rule, (low, high) =>
    percentiles(codes, modality, paddingOf(dataSet, description), [low, high]),
  );
  const inverted = description.photometric === 'MONOCHROME1';
  const levels = Uint8Array.from(modality, (value) => {
    const level = Math.floor(Math.min(Math.max(greyOf(value), 0), 255) + 0.5);
    return inverted ? 255 - level : level;
  });
  const pixels = new Uint8Array(codes.length);
  for (let i = 0; i < codes.length; i++) pixels[i] = levels[codes[i]!]!;
  return pixels;
}

/** [2^bitsStored] the modality value of each code (PS3.3 C.11.1). */
export function modalityValues(dataSet: DataSet, description: PixelDescription): Float64Array {
  const values = Float64Array.from({ length: 2 ** description.bitsStored }, (_, code) =>
    storedValue(code, description),
  );
  const [table] = lookupTables(dataSet, 'x00283000', description.signed);
  if (table !== undefined) return values.map(table.of);
  const slope = numbers(dataSet, 'x00281053')[0] ?? 1;
  const intercept = numbers(dataSet, 'x00281052')[0] ?? 0;
  if (slope === 0) refuse('the rescale slope is 0.');
  return values.map((value) => value * slope + intercept);
}

function chooseWindow(
  dataSet: DataSet,
  { signed }: PixelDescription,
  rule: WindowRule | undefined,
  percentilesOf: (low: number, high: number) => readonly [number, number],
): GreyOf {
  if (rule !== undefined && 'center' in rule) return windowFunction('LINEAR', rule.center, rule.width);
  if (rule !== undefined && 'percentile' in rule) return between(...percentilesOf(...rule.percentile));
  const windows = fileWindows(dataSet);
  const tables = lookupTables(dataSet, 'x00283010', signed || (numbers(dataSet, 'x00281052')[0] ?? 0) < 0);
  if (rule === undefined) {
    if (windows[0] !== undefined) return windows[0].greyOf();
    return tables[0] === undefined
      ? between(...percentilesOf(...OUTER_PERCENTILES))
      : tableFunction(tables[0]);
  }
  const isNamed = ({ name }: { readonly name: string }) => name.toLowerCase() === rule.name.toLowerCase();
  const window = windows.find(isNamed);
  if (window !== undefined) return window.greyOf();
  const table = tables.find(isNamed);
  if (table !== undefined) return tableFunction(table);
  const names = [...windows, ...tables].flatMap(({ name }) => (name === '' ? [] : [`'${name}'`]));
  return refuse(
    `no window is called '${rule.name}'; ${names.length === 0 ? 'none has a name' : `there are ${names.join(', ')}`}.`,
  );
}

function fileWindows(dataSet: DataSet): { readonly name: string; greyOf(): GreyOf }[] {
  const widths = numbers(dataSet, 'x00281051');
  const names = textOf(dataSet, 'x00281055').split('\\');
  const word = textOf(dataSet, 'x00281056') || 'LINEAR';
  return numbers(dataSet, 'x00281050').map((center, i) => ({
    name: names[i]?.trim() ?? '',
    greyOf: () => {
      const known = FUNCTIONS.find((name) => name === word);
      return windowFunction(
        known ?? refuse(`the VOI LUT function ${word.slice(0, 20)} is not known.`),
        center,
        widths[i] ?? refuse('a window has no width.'),
      );
    },
  }));
}

/** PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT), C.11.2.1.3.1 (SIGMOID), for grey levels 0 to 255. */
export function windowFunction(kind: WindowFunction, center: number, width: number): GreyOf {
  if (!(width > 0) || (kind === 'LINEAR' && width < 1) || !Number.isFinite(center + width)) {
    refuse(`the window has center ${center} and width ${width}.`);
  }
  switch (kind) {
    case 'LINEAR':
      return (x) => {
        if (x <= center - 0.5 - (width - 1) / 2) return 0;
        if (x > center - 0.5 + (width - 1) / 2) return 255;
        return ((x - (center - 0.5)) / (width - 1) + 0.5) * 255;
      };
    case 'LINEAR_EXACT':
      return (x) => {
        if (x <= center - width / 2) return 0;
        if (x > center + width / 2) return 255;
        return ((x - center) / width + 0.5) * 255;
      };
    case 'SIGMOID':
      return (x) => 255 / (1 + Math.exp((-4 * (x - center)) / width));
  }
}

function tableFunction(table: LookupTable): GreyOf {
  return (x) => (table.of(x) / table.maximum) * 255;
}

/** Straight line from `low` (black) to `high` (white); where they are equal, only what is above is white. */
function between(low: number, high: number): GreyOf {
  if (low === high) return (x) => (x > high ? 255 : 0);
  return (x) => ((x - low) / (high - low)) * 255;
}

/** Whether a code is padding: Pixel Padding Value, or the range from it to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2). */
function paddingOf(dataSet: DataSet, description: PixelDescription): (code: number) => boolean {
  const read = (tag: string) => (description.signed ? dataSet.int16(tag) : dataSet.uint16(tag));
  const value = dataSet.elements.x00280120?.length === 2 ? read('x00280120') : undefined;
  if (value === undefined) return () => false;
  const limit = (dataSet.elements.x00280121?.length === 2 ? read('x00280121') : undefined) ?? value;
  const [low, high] = [Math.min(value, limit), Math.max(value, limit)];
  return (code) => {
    const stored = storedValue(code, description);
    return stored >= low && stored <= high;
  };
}

/** The values of a decimal string, empty where it is absent. Refuses one that is no number. */
export function numbers(dataSet: DataSet, tag: string): number[] {
  const text = textOf(dataSet, tag);
  if (text === '') return [];
  return text.split('\\').map((part) => {
    const value = part.trim() === '' ? Number.NaN : Number(part);
    return Number.isFinite(value)
      ? value
      : refuse(`expected numbers in (${tag.slice(1, 5)},${tag.slice(5)}).`);
  });
}
