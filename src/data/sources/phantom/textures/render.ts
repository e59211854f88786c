import { between, imageStream, ValueNoise } from '../draws.js';
import { detectorSize, shrink } from '../resolution.js';
import { FAMILIES, FAMILY_NAMES, type FamilyName, type Pattern, VARIANTS } from './families.js';

export const MOST_CLASSES = FAMILY_NAMES.length * VARIANTS;
const PURPOSE = { texture: 0, knots: 1, grain: 2 } as const;

/** Sizes of a pattern's unit, in image sides, by variant. */
const SCALES = [0.22, 0.14, 0.34, 0.09] as const;

/** Names of the first `count` classes: every family once, then each in its next variant. */
export function textureNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const { family, variant } = classOf(index);
    return variant === 0 ? family : `${family}-${variant + 1}`;
  });
}

function classOf(index: number): { readonly family: FamilyName; readonly variant: number } {
  return {
    family: FAMILY_NAMES[index % FAMILY_NAMES.length]!,
    variant: Math.floor(index / FAMILY_NAMES.length),
  };
}

/**
 * Image `row` of class `index`, uint8 [size, size]. Position, turn, scale (± 12 %), contrast, shading and grain are the image's
 * own and say nothing about the class. Pure.
 */
export function renderTexture(seed: number, row: number, index: number, size: number): Uint8Array {
  const { family, variant } = classOf(index);
  const random = imageStream(seed, row, PURPOSE.texture);
  const pattern: Pattern = {
    variant,
    scale: SCALES[variant]! * between(random, 0.88, 1.12),
    noise: new ValueNoise(imageStream(seed, row, PURPOSE.knots), 64),
    own: Array.from({ length: 4 }, () => random.uniform()),
  };
  const angle = between(random, -Math.PI, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const contrast = between(random, 0.25, 0.8) * (random.integer(2) === 0 ? 1 : -1);
  const base = between(random, 0.4, 0.6);
  const [shadeX, shadeY] = [between(random, -0.35, 0.35), between(random, -0.35, 0.35)];
  const grain = between(random, 0.02, 0.14);
  const roughness = new ValueNoise(imageStream(seed, row, PURPOSE.grain), 128);
  const draw = FAMILIES[family];
  const fine = detectorSize(size);
  const grey = new Float32Array(fine * fine);
  for (let line = 0, pixel = 0; line < fine; line++) {
    const y = (line + 0.5) / fine - 0.5;
    for (let column = 0; column < fine; column++, pixel++) {
      const x = (column + 0.5) / fine - 0.5;
      const value = draw(cos * x + sin * y, cos * y - sin * x, pattern) - 0.5;
      const rough = roughness.at(x * 128 + 64, y * 128 + 64) - 0.5;
      grey[pixel] = 255 * (base + contrast * value + shadeX * x + shadeY * y + grain * rough);
    }
  }
  return shrink(grey, fine, size);
}
