import type { Variant } from './perceptual-hash.js';
import { THUMBNAIL, THUMBNAIL_PIXELS } from './thumbnail.js';

/** Grey levels up to this are black. */
const BLACK = 2;
/** So many pixels of a thumbnail must be left to be compared. */
const LEAST_PIXELS = THUMBNAIL_PIXELS / 8;

/** Grey thumbnails [count, 32, 32] in 8 bits, and how they correlate. */
export class Thumbnails {
  private readonly pixels: Uint8Array;
  private readonly means: Float64Array;
  /** Root of the sum of squared deviations from the mean. */
  private readonly norms: Float64Array;

  constructor(count: number) {
    this.pixels = new Uint8Array(count * THUMBNAIL_PIXELS);
    this.means = new Float64Array(count);
    this.norms = new Float64Array(count);
  }

  /** Keeps the thumbnail of a row, rounded. */
  set(row: number, thumbnail: Float64Array): void {
    const pixels = this.of(row);
    let sum = 0;
    for (let i = 0; i < THUMBNAIL_PIXELS; i++) {
      pixels[i] = Math.round(thumbnail[i]!);
      sum += pixels[i]!;
    }
    const mean = sum / THUMBNAIL_PIXELS;
    let squares = 0;
    for (let i = 0; i < THUMBNAIL_PIXELS; i++) squares += (pixels[i]! - mean) ** 2;
    this.means[row] = mean;
    this.norms[row] = Math.sqrt(squares);
  }

  /** Adds the row's thumbnail, scaled to mean 0 and sum of squares 1, to `sum` [32 × 32]. */
  addTo(sum: Float64Array, row: number): void {
    const norm = this.norms[row]!;
    if (norm === 0) return;
    const pixels = this.of(row);
    for (let i = 0; i < THUMBNAIL_PIXELS; i++) sum[i]! += (pixels[i]! - this.means[row]!) / norm;
  }

  /** Pearson's correlation of a row's thumbnail with any image [32 × 32]; NaN where one of them is constant. */
  correlationWith(image: Float64Array, row: number): number {
    const pixels = this.of(row);
    const mean = image.reduce((sum, value) => sum + value, 0) / THUMBNAIL_PIXELS;
    let products = 0;
    let squares = 0;
    for (let i = 0; i < THUMBNAIL_PIXELS; i++) {
      const deviation = image[i]! - mean;
      products += deviation * pixels[i]!;
      squares += deviation ** 2;
    }
    return products / (Math.sqrt(squares) * this.norms[row]!);
  }

  /**
   * Spearman's rank correlation of the changed thumbnail of row `a` with that of row `b`, equal grey levels sharing their mean
   * rank: no monotone change of grey levels (brightness, contrast, gamma, window) affects it. Pixels that are black in both
   * (padding, air) do not count: different images agree in them too. NaN where one is constant or too little is left.
   */
  rankCorrelation(a: number, b: number, { mirrored, inverted }: Variant): number {
    const first = this.of(a);
    const second = this.of(b);
    const seen = { a: new Uint8Array(THUMBNAIL_PIXELS), b: new Uint8Array(THUMBNAIL_PIXELS) };
    let count = 0;
    for (let i = 0; i < THUMBNAIL_PIXELS; i++) {
      const x = i % THUMBNAIL;
      const levelA = first[mirrored ? i - x + (THUMBNAIL - 1 - x) : i]!;
      const levelB = second[i]!;
      if (levelA <= BLACK && levelB <= BLACK) continue;
      seen.a[count] = levelA;
      seen.b[count++] = levelB;
    }
    if (count < LEAST_PIXELS) return Number.NaN;
    const value = spearman(seen.a.subarray(0, count), seen.b.subarray(0, count));
    return inverted ? -value : value;
  }

  private of(row: number): Uint8Array {
    return this.pixels.subarray(row * THUMBNAIL_PIXELS, (row + 1) * THUMBNAIL_PIXELS);
  }
}

function spearman(a: Uint8Array, b: Uint8Array): number {
  const ranksA = centredRanks(a);
  const ranksB = centredRanks(b);
  let products = 0;
  for (let i = 0; i < a.length; i++) products += ranksA.of[a[i]!]! * ranksB.of[b[i]!]!;
  return products / Math.sqrt(ranksA.squares * ranksB.squares);
}

interface Ranks {
  /** [256] mean rank of a grey level less the mean of all ranks. */
  readonly of: Float64Array;
  /** Sum of their squares over all pixels. */
  readonly squares: number;
}

function centredRanks(pixels: Uint8Array): Ranks {
  const histogram = new Uint32Array(256);
  for (let i = 0; i < pixels.length; i++) histogram[pixels[i]!]!++;
  const ranks = new Float64Array(256);
  let below = 0;
  let squares = 0;
  for (let level = 0; level < 256; level++) {
    const count = histogram[level]!;
    ranks[level] = below + (count - pixels.length) / 2;
    squares += count * ranks[level]! ** 2;
    below += count;
  }
  return { of: ranks, squares };
}
