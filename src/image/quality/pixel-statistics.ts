/** Grey-level statistics of one image over all its samples (pixels × channels). */
export interface PixelStatistics {
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly deviation: number;
  /** Share of the samples at 0 and at 255. */
  readonly black: number;
  readonly white: number;
}

/** A standard deviation below this many grey levels (of 255) shows next to nothing. */
export const LEAST_DEVIATION = 3;
/**
 * From these shares on an image counts as clipped. Of 1,000 ChestX-ray14 images and 300 knee radiographs none has more than 0.01
 * at 255 or 0.41 at 0 (collimation, the air around the body).
 */
export const MOST_WHITE = 0.25;
export const MOST_BLACK = 0.75;

export function pixelStatistics(pixels: Uint8Array): PixelStatistics {
  const histogram = new Uint32Array(256);
  for (let i = 0; i < pixels.length; i++) histogram[pixels[i]!]!++;
  const count = pixels.length;
  let sum = 0;
  for (let level = 0; level < 256; level++) sum += level * histogram[level]!;
  const mean = sum / count;
  let squares = 0;
  for (let level = 0; level < 256; level++) squares += histogram[level]! * (level - mean) ** 2;
  return {
    minimum: histogram.findIndex((number) => number > 0),
    maximum: histogram.findLastIndex((number) => number > 0),
    mean,
    deviation: Math.sqrt(squares / count),
    black: histogram[0]! / count,
    white: histogram[255]! / count,
  };
}
