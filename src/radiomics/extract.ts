import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { addon } from '../engine/addon.js';
import { abortableCall } from '../engine/native-owner.js';
import type {
  NativeFeatureTable,
  NativeRadiomicsImage,
  NativeRadiomicsOptions,
} from '../engine/native-radiomics.js';
import type { FeatureDescription } from './catalogue.js';
import { describeFeatures } from './names.js';
import type { RadiomicsOptions } from './options.js';
import { resolveOptions } from './resolve.js';

/** Grey pixels of one image and, where one was drawn, its mask. */
export interface RadiomicsImage {
  /** [slices × height × width] grey values, row by row; bright means dense. Borrowed until the promise settles. */
  readonly pixels: Uint8Array | Uint16Array | Int16Array | Float32Array | Float64Array;
  readonly width: number;
  readonly height: number;
  /** By default 1. */
  readonly slices?: number;
  /** Of the same size; 0 = outside. */
  readonly mask?: Uint8Array;
  /** Millimetres between the centres of neighbouring pixels; by default 1, so that lengths are in pixels. */
  readonly spacing?: { readonly x: number; readonly y: number };
  /** Named in messages. */
  readonly name?: string;
}

/** How a number came about: from its formula, from a convention where the formula has none, or not at all (NaN). */
export const STANDING = { measured: 0, conventional: 1, undefined: 2 } as const;

/** Why features of an image are undefined; the index is C++'s. */
export const PROBLEMS = [
  undefined,
  'the mask is empty, or no grey value of it lies in the range',
  'pixels of the region are not finite numbers',
  'no body or lung field was found',
  'without binning grey values have to be integers',
  'without binning grey values have to be at least 1, or the range has to say which is level 1',
  'the bins are more than 4,096, or the grey values too far apart',
  'there was not enough memory; a spacing may be too fine',
] as const;

export interface RadiomicsTable {
  readonly features: readonly FeatureDescription[];
  readonly names: readonly string[];
  readonly rows: number;
  /** [rows × features]; NaN exactly where the flag says undefined. */
  readonly values: Float64Array;
  /** [rows × features] of `STANDING`. */
  readonly flags: Uint8Array;
  /** [rows] why some or all features are undefined, undefined where nothing was wrong. */
  readonly problems: readonly (string | undefined)[];
}

export interface ExtractRadiomicsOptions {
  /** By default one a processor. A row does not depend on it. */
  readonly threads?: number;
  /** Stops between two images; the call then rejects with ABORTED, or the ThawError that the signal carries. */
  readonly signal?: AbortSignal;
  /** Called about ten times a second with the number of images done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Takes the features of one set of options, checked once, from images that come in parts. */
export interface RadiomicsExtractor {
  readonly features: readonly FeatureDescription[];
  readonly names: readonly string[];
  /** As `extractRadiomics`. */
  extract(images: readonly RadiomicsImage[], run?: ExtractRadiomicsOptions): Promise<RadiomicsTable>;
}

/** Throws CONFIG for wrong options. */
export function radiomicsExtractor(options: RadiomicsOptions): RadiomicsExtractor {
  const resolved = resolveOptions(options);
  const features = describeFeatures(options);
  const names = features.map((feature) => feature.name);
  return {
    features,
    names,
    extract: async (images, run = {}) => {
      const native = images.map((image, index) => checked(image, index, resolved));
      const table = await nativeTable(native, resolved, run);
      if (table.columns !== features.length) {
        throw new ThawError(
          'ENGINE',
          `the catalogue has ${features.length} features, the addon gave ${table.columns}.`,
          { hint: 'Run `npm run setup` to build the addon again.' },
        );
      }
      return {
        features,
        names,
        rows: images.length,
        values: table.values,
        flags: table.standings,
        problems: Array.from(table.problems, (problem) => PROBLEMS[problem]),
      };
    },
  };
}

/**
 * Features of many images, in C++ and off the event loop: one row an image. An image whose features cannot be taken is a row
 * with undefined features and its problem. Throws CONFIG for wrong options and DATA, with the image's name or index, for
 * images that do not fit them.
 */
export async function extractRadiomics(
  images: readonly RadiomicsImage[],
  options: RadiomicsOptions,
  run: ExtractRadiomicsOptions = {},
): Promise<RadiomicsTable> {
  return radiomicsExtractor(options).extract(images, run);
}

async function nativeTable(
  images: readonly NativeRadiomicsImage[],
  options: NativeRadiomicsOptions,
  run: ExtractRadiomicsOptions,
): Promise<NativeFeatureTable> {
  const threads = run.threads ?? availableParallelism();
  const finished = new Int32Array(1);
  const report = () => run.onProgress?.(finished[0]!, images.length);
  const timer = run.onProgress === undefined ? undefined : setInterval(report, 100);
  try {
    const table = await abortableCall(run.signal, (abort) =>
      addon().extractRadiomics(images, options, threads, finished, abort),
    );
    report();
    return table;
  } finally {
    clearInterval(timer);
  }
}

function checked(
  image: RadiomicsImage,
  index: number,
  options: NativeRadiomicsOptions,
): NativeRadiomicsImage {
  const { pixels, width, height, slices = 1, mask, spacing = { x: 1, y: 1 } } = image;
  const fail = (summary: string, hint?: string) =>
    new ThawError('DATA', summary, {
      ...(image.name === undefined ? { node: `image ${index}` } : { file: image.name }),
      ...(hint === undefined ? {} : { hint }),
    });
  for (const [name, side] of Object.entries({ width, height, slices }))
    if (!Number.isInteger(side) || side < 1 || side > 65000)
      throw fail(`expected a ${name} from 1 to 65000 but received ${side}.`);
  const size = width * height * slices;
  if (pixels.length !== size) throw fail(`expected ${size} pixels but received ${pixels.length}.`);
  if (mask !== undefined && mask.length !== size)
    throw fail(`expected a mask of ${size} pixels but received ${mask.length}.`);
  if (!(spacing.x > 0 && spacing.y > 0 && Number.isFinite(spacing.x + spacing.y)))
    throw fail(`expected a spacing above 0 but received ${spacing.x} × ${spacing.y}.`);
  if (options.kind === 'paper79') {
    if (slices !== 1) throw fail(`paper79 takes images of one slice, this one has ${slices}.`);
    if (mask !== undefined)
      throw fail('paper79 is of whole images, but this one has a mask.', 'Leave the mask out.');
    if (options.range === undefined && !(pixels instanceof Uint8Array))
      throw fail('paper79 takes 8-bit pixels.', 'Give the range that is to become 0 … 255.');
  } else if (options.mask === 'given' && mask === undefined) {
    throw fail('expected a mask but there is none.', "Give one, or set mask: 'none'.");
  } else if (options.mask !== 'given' && mask !== undefined) {
    throw fail(
      `there is a mask, but mask: '${options.mask}' takes none.`,
      "Set mask: 'given', or leave it out.",
    );
  }
  return {
    pixels,
    width,
    height,
    slices,
    ...(mask === undefined ? {} : { mask }),
    spacingX: spacing.x,
    spacingY: spacing.y,
  };
}
