import { RandomStream, STREAM } from '../../src/base/random.js';
import type { RadiomicsImage } from '../../src/radiomics/extract.js';

/** A smooth pattern with noise, 0 … 200. */
export function texture(seed: number, width: number, height: number): RadiomicsImage {
  const random = new RandomStream(seed, STREAM.subset);
  const pixels = Uint8Array.from({ length: width * height }, (_, index) => {
    const x = index % width;
    const y = Math.floor(index / width);
    return 100 + 50 * Math.sin(x / 5 + seed) + 30 * Math.cos(y / 7) + 20 * (random.uniform() - 0.5);
  });
  return { pixels, width, height };
}

/** Turned by 90°, mask and all. */
export function turned(image: RadiomicsImage): RadiomicsImage {
  const { width, height, pixels, mask } = image;
  const source = (index: number) => {
    const x = index % height;
    const y = Math.floor(index / height);
    return (height - 1 - x) * width + y;
  };
  return {
    ...image,
    width: height,
    height: width,
    pixels: Uint8Array.from(pixels, (_, index) => pixels[source(index)]!),
    ...(mask === undefined ? {} : { mask: Uint8Array.from(mask, (_, index) => mask[source(index)]!) }),
  };
}

/** A disc with a notch. */
export function discMask(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, index) => {
    const x = (index % width) - width / 2;
    const y = Math.floor(index / width) - height / 2;
    const inside = x * x + y * y < (Math.min(width, height) / 2.3) ** 2;
    return inside && !(x > 0 && Math.abs(y) < 3) ? 1 : 0;
  });
}
