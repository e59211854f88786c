/** Smaller images are computed on a finer detector and averaged, as a detector's pixels average what falls on them. */
const FINEST_PIXELS = 96;

/** Pixels a side that an image of `size` pixels is computed with: a multiple of `size`. */
export function detectorSize(size: number): number {
  return size * Math.ceil(FINEST_PIXELS / size);
}

/** Means of the pixels of [from, from] that fall on each of [to, to], as bytes. */
export function shrink(grey: Float32Array, from: number, to: number): Uint8Array {
  const factor = from / to;
  // Clamped bytes are rounded and kept within 0 and 255.
  if (factor === 1) return new Uint8Array(new Uint8ClampedArray(grey).buffer);
  const pixels = new Uint8ClampedArray(to * to);
  for (let row = 0, i = 0; row < to; row++) {
    for (let column = 0; column < to; column++, i++) {
      let sum = 0;
      for (let y = row * factor; y < (row + 1) * factor; y++) {
        for (let x = column * factor; x < (column + 1) * factor; x++) sum += grey[y * from + x]!;
      }
      pixels[i] = sum / (factor * factor);
    }
  }
  return new Uint8Array(pixels.buffer);
}
