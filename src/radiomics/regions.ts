import { ThawError } from '../base/errors.js';
import { listSome } from '../base/nearest.js';
import type { GreyPixels, GreyVolume, PixelSpacing } from '../image/grey/volume.js';
import type { RadiomicsImage } from './extract.js';

/** `volume`: all slices make one row; `all`: a row each; `largest-mask`: the slice with most of the mask; or a number from 0. */
export type SliceRule = 'volume' | 'all' | 'largest-mask' | number;

/** `any`: all values but 0 are one region; `all`: a row for each value; or a row for each of these. */
export type LabelRule = 'any' | 'all' | readonly number[];

export interface RegionRule {
  readonly slice: SliceRule;
  readonly labels: LabelRule;
  /** Takes the place of what the file says. */
  readonly spacing?: PixelSpacing | undefined;
  /** Image and mask need only have the same size, wherever they lie. */
  readonly anyPosition: boolean;
}

/** What one row is measured in, or why nothing is; `slice` and `label` where the rule names one. */
export type Region = { readonly slice: number | null; readonly label: number | null } & (
  | { readonly image: RadiomicsImage }
  | { readonly problem: string }
);

/** Values beyond which a mask is taken for an image. */
const MOST_LABELS = 256;
/** Of the smallest voxel side: how far corners of image and mask may lie apart. */
const NEAR = 0.1;

/**
 * The regions of an image that the rule asks for, in the order of labels, then slices. Of `all` slices those without mask are
 * left out. Throws IMAGE where image and mask do not fit each other or the rule.
 */
export function* regionsOf(
  image: GreyVolume,
  mask: GreyVolume | undefined,
  rule: RegionRule,
): Generator<Region> {
  if (mask !== undefined) checkFit(image, mask, rule);
  if (typeof rule.slice === 'number' && rule.slice >= image.slices)
    throw refusal(`there is no slice ${rule.slice}; the first is 0, the last ${image.slices - 1}.`);
  if (mask === undefined) {
    if (rule.slice === 'largest-mask') throw refusal('without a mask there is no slice with most of it.');
    if (rule.slice === 'all')
      for (let slice = 0; slice < image.slices; slice++) yield taken(image, rule, slice, 1);
    else if (rule.slice === 'volume') yield taken(image, rule, 0, image.slices);
    else yield taken(image, rule, rule.slice, 1);
    return;
  }
  for (const label of labelsOf(mask, rule)) yield* maskedRegions(image, mask, rule, label);
}

function* maskedRegions(
  image: GreyVolume,
  mask: GreyVolume,
  rule: RegionRule,
  label: number | null,
): Generator<Region> {
  const named = { slice: null, label };
  if (typeof rule.slice === 'number') {
    yield taken(image, rule, rule.slice, 1, { mask, label });
    return;
  }
  const counts = Array.from({ length: mask.slices }, (_, slice) => count(mask.read(slice, 1), label));
  if (counts.every((pixels) => pixels === 0)) {
    const values = label === null ? [] : valuesOf(mask);
    yield {
      ...named,
      problem:
        values.length === 0
          ? 'the mask is empty'
          : `the mask has no label ${label}; it has ${listSome(values.map(String), 10)}`,
    };
  } else if (rule.slice === 'volume') {
    yield taken(image, rule, 0, image.slices, { mask, label });
  } else if (rule.slice === 'largest-mask') {
    yield taken(image, rule, counts.indexOf(Math.max(...counts)), 1, { mask, label });
  } else {
    for (const [slice, pixels] of counts.entries())
      if (pixels > 0) yield taken(image, rule, slice, 1, { mask, label });
  }
}

function taken(
  image: GreyVolume,
  rule: RegionRule,
  first: number,
  slices: number,
  region?: { readonly mask: GreyVolume; readonly label: number | null },
): Region {
  const spacing = rule.spacing ?? image.spacing;
  return {
    slice: rule.slice === 'volume' ? null : first,
    label: region?.label ?? null,
    image: {
      pixels: image.read(first, slices),
      width: image.width,
      height: image.height,
      slices,
      ...(region === undefined ? {} : { mask: binary(region.mask.read(first, slices), region.label) }),
      ...(spacing === undefined ? {} : { spacing }),
    },
  };
}

/** 1 where the mask has the label, or any value but 0. */
function binary(values: GreyPixels, label: number | null): Uint8Array {
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) mask[i] = isInside(values[i]!, label) ? 1 : 0;
  return mask;
}

function count(values: GreyPixels, label: number | null): number {
  let inside = 0;
  for (let i = 0; i < values.length; i++) if (isInside(values[i]!, label)) inside++;
  return inside;
}

/** NaN is outside. */
function isInside(value: number, label: number | null): boolean {
  return label === null ? value !== 0 && !Number.isNaN(value) : value === label;
}

function labelsOf(mask: GreyVolume, { labels }: RegionRule): readonly (number | null)[] {
  if (labels === 'any') return [null];
  if (mask.coloured)
    throw refusal('the mask is in colour, so its labels are not known.', 'Save it as a grey image.');
  if (labels !== 'all') return labels;
  const values = valuesOf(mask);
  return values.length === 0 ? [null] : values;
}

/** Values of a mask but 0, ascending. */
function valuesOf(mask: GreyVolume): number[] {
  const values = new Set<number>();
  for (let slice = 0; slice < mask.slices; slice++) {
    for (const value of mask.read(slice, 1)) if (isInside(value, null)) values.add(value);
    if (values.size > MOST_LABELS)
      throw refusal(`the mask has more than ${MOST_LABELS} values: it is no image of labels.`);
  }
  return [...values].sort((a, b) => a - b);
}

function checkFit(image: GreyVolume, mask: GreyVolume, { anyPosition }: RegionRule): void {
  const size = (volume: GreyVolume) =>
    `${volume.width} × ${volume.height}${image.slices === 1 && mask.slices === 1 ? '' : ` × ${volume.slices}`}`;
  if (mask.width !== image.width || mask.height !== image.height || mask.slices !== image.slices)
    throw refusal(
      `the image has ${size(image)} pixels, the mask ${size(mask)}.`,
      'Resample the mask onto the image.',
    );
  if (anyPosition || image.affine === undefined || mask.affine === undefined) return;
  const apart = distanceApart(image, image.affine, mask.affine);
  const [a, b, c] = [0, 1, 2].map((axis) =>
    Math.hypot(...[0, 4, 8].map((row) => image.affine![row + axis]!)),
  ) as [number, number, number];
  if (apart > NEAR * Math.min(a, b, c))
    throw refusal(
      `by their headers image and mask lie up to ${apart.toPrecision(3)} mm apart.`,
      'Resample the mask onto the image, or take them as they are with --any-position.',
    );
}

/** Largest distance in mm between the places of a corner voxel by two matrices. */
function distanceApart(
  { width, height, slices }: GreyVolume,
  first: readonly number[],
  second: readonly number[],
): number {
  let apart = 0;
  for (const x of [0, width - 1])
    for (const y of [0, height - 1])
      for (const z of [0, slices - 1]) {
        const place = (affine: readonly number[]) =>
          [0, 4, 8].map(
            (row) => affine[row]! * x + affine[row + 1]! * y + affine[row + 2]! * z + affine[row + 3]!,
          );
        const [one, other] = [place(first), place(second)];
        apart = Math.max(apart, Math.hypot(...one.map((value, axis) => value - other[axis]!)));
      }
  return apart;
}

function refusal(summary: string, hint?: string): ThawError {
  return new ThawError('IMAGE', summary, hint === undefined ? {} : { hint });
}
