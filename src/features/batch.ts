import { ThawError } from '../base/errors.js';
import type { FeatureDtype } from './store.js';

/** Shapes of the network's input and output for one batch. */
export interface BatchShapes {
  /** [batch, channels, size, size] */
  readonly input: readonly [number, number, number, number];
  /** [batch, ...shape of the cut] */
  readonly output: readonly number[];
}

/**
 * Images per inference for images of `size` × `size` pixels: 16 at 224, more for smaller ones (DenseNet-121 on 2 cores,
 * images/s: 29 with 8, 16 or 32 at 224 pixels; at 64 pixels 260 with 8, 300 with 16, 335 with 64, 345 with 128).
 */
export function defaultBatch(size: number): number {
  return Math.min(64, Math.max(4, 2 ** Math.round(Math.log2(16 * (224 / size) ** 2))));
}

/**
 * Shapes of a batch, checked against what the network's file states (a free dimension is a name and takes anything).
 * The batch is `requested`, else the file's, else `defaultBatch`. Throws MODEL when the file does not fit the images.
 */
export function batchShapes(
  network: {
    readonly path: string;
    readonly inputShape: readonly (number | string)[];
    readonly outputShape: readonly (number | string)[];
  },
  image: { readonly channels: number; readonly size: number },
  cut: { readonly name: string; readonly shape: readonly number[] },
  requested: number | undefined,
): BatchShapes {
  const [stated] = network.inputShape;
  const batch = requested ?? (typeof stated === 'number' ? stated : defaultBatch(image.size));
  const input = [batch, image.channels, image.size, image.size] as const;
  const output = [batch, ...cut.shape];
  if (!fits(network.inputShape, input))
    throw new ThawError(
      'MODEL',
      `expected the input ${show(input)}, the network has ${show(network.inputShape)}.`,
      {
        file: network.path,
        node: 'input',
        hint: 'Export the prefix for the size of the images, the channels of the model card and this batch.',
      },
    );
  if (!fits(network.outputShape, output))
    throw new ThawError(
      'MODEL',
      `expected the output ${show(output)}, the network has ${show(network.outputShape)}.`,
      {
        file: network.path,
        node: cut.name,
      },
    );
  return { input, output };
}

/**
 * Index of the first value from `begin` to `end` that `dtype` cannot hold (NaN, infinite, or beyond the half-precision
 * range, whose largest number is 65504 and whose rounding reaches infinity at 65520); −1 when there is none.
 */
export function firstUnstorable(
  values: Float32Array,
  begin: number,
  end: number,
  dtype: FeatureDtype,
): number {
  const limit = dtype === 'float16' ? 65520 : Number.POSITIVE_INFINITY;
  for (let index = begin; index < end; index++) {
    const value = values[index] as number;
    if (!(value < limit && value > -limit)) return index;
  }
  return -1;
}

function fits(stated: readonly (number | string)[], wanted: readonly number[]): boolean {
  return (
    stated.length === wanted.length &&
    stated.every((length, axis) => typeof length === 'string' || length === wanted[axis])
  );
}

function show(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}
