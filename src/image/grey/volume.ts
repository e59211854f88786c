/** Grey values, whole or not. */
export type GreyPixels = Uint8Array | Uint16Array | Int16Array | Float32Array | Float64Array;

/** Millimetres between the centres of neighbouring pixels. */
export interface PixelSpacing {
  readonly x: number;
  readonly y: number;
}

/** An image in its own size and depth; a flat one has one slice. */
export interface GreyVolume {
  readonly width: number;
  readonly height: number;
  readonly slices: number;
  /** Where the file says it. */
  readonly spacing?: PixelSpacing;
  /** [3 × 4] from voxel (column, row, slice) to millimetres, row by row; where the file says it. */
  readonly affine?: readonly number[];
  /** Whether the file has colours that differ from grey; they have become grey. */
  readonly coloured?: true;
  /** [count × height × width] grey values of `count` slices from slice `first`. */
  read(first: number, count: number): GreyPixels;
}

/** A volume of pixels that are there already, [slices × height × width]. */
export function volumeOf(
  pixels: GreyPixels,
  size: Pick<GreyVolume, 'width' | 'height'> & Partial<Omit<GreyVolume, 'read'>>,
): GreyVolume {
  const { slices = 1, ...rest } = size;
  const area = size.width * size.height;
  return {
    ...rest,
    slices,
    read: (first, count) =>
      count === slices ? pixels : pixels.subarray(first * area, (first + count) * area),
  };
}
