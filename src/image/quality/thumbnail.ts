import type { ImageLayout } from '../geometry.js';

/** Height and width of a thumbnail. */
export const THUMBNAIL = 32;
/** Pixels of a thumbnail. */
export const THUMBNAIL_PIXELS = THUMBNAIL * THUMBNAIL;

/** Luminance of encoded RGB values (Rec. 709 weights). */
const LUMA = [0.2126, 0.7152, 0.0722] as const;

/** Which thumbnail lines a source line lies in, and with what share of its width: entries `first[i]` to `first[i + 1]`. */
interface Shares {
  readonly first: Uint32Array;
  readonly line: Uint8Array;
  readonly weight: Float64Array;
}

/**
 * Reduces stored pixels, uint8 [size, size, channels], to grey thumbnails [32, 32] by area averaging: a thumbnail pixel is the
 * mean over the square that it covers, source pixels on its edges counting in part. Smaller images are enlarged likewise.
 */
export class Thumbnailer {
  private readonly shares: Shares;
  private readonly line = new Float64Array(THUMBNAIL);

  constructor(private readonly layout: Pick<ImageLayout, 'size' | 'channels'>) {
    this.shares = sharesOf(layout.size);
  }

  /** The thumbnail of one image into `target` [32 × 32]. */
  reduce(pixels: Uint8Array, target: Float64Array): void {
    const { size, channels } = this.layout;
    const { first, line: lines, weight } = this.shares;
    const { line } = this;
    target.fill(0);
    for (let y = 0; y < size; y++) {
      line.fill(0);
      for (let x = 0; x < size; x++) {
        const at = (y * size + x) * channels;
        const grey =
          channels === 1
            ? pixels[at]!
            : LUMA[0] * pixels[at]! + LUMA[1] * pixels[at + 1]! + LUMA[2] * pixels[at + 2]!;
        for (let k = first[x]!; k < first[x + 1]!; k++) line[lines[k]!]! += weight[k]! * grey;
      }
      for (let k = first[y]!; k < first[y + 1]!; k++) {
        const offset = lines[k]! * THUMBNAIL;
        const share = weight[k]!;
        for (let x = 0; x < THUMBNAIL; x++) target[offset + x]! += share * line[x]!;
      }
    }
  }
}

function sharesOf(size: number): Shares {
  const first = new Uint32Array(size + 1);
  const lines: number[] = [];
  const weights: number[] = [];
  const scale = THUMBNAIL / size;
  for (let source = 0; source < size; source++) {
    const start = source * scale;
    const end = (source + 1) * scale;
    for (let line = Math.floor(start); line < Math.min(THUMBNAIL, Math.ceil(end)); line++) {
      const share = Math.min(end, line + 1) - Math.max(start, line);
      if (share < 1e-9) continue;
      lines.push(line);
      weights.push(share);
    }
    first[source + 1] = lines.length;
  }
  return { first, line: Uint8Array.from(lines), weight: Float64Array.from(weights) };
}
