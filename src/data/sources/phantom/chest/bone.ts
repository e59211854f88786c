import { OVER_SOFT_TISSUE } from '../attenuation.js';
import { type Spot, sweepTube } from '../tube.js';

/** Attenuation that a ray adds through a bony tube: dense cortex around trabecular bone. Lengths in cm. */
export interface Shaft {
  readonly cortex: number;
  /** Share of trabecular bone inside. */
  readonly density: number;
  /** Depth over width of the cross-section. */
  readonly flatness: number;
}

/**
 * Adds a straight bone between two spots to `extra`, [size, size]. `oblique` multiplies path lengths where the bone runs
 * towards the detector.
 */
export function addBone(
  extra: Float32Array,
  size: number,
  a: Spot,
  b: Spot,
  radiusA: number,
  radiusB: number,
  { cortex, density, flatness }: Shaft,
  oblique = 1,
): void {
  sweepTube(size, a, b, radiusA, radiusB, (pixel, distance, radius, share) => {
    const whole = 2 * radius * Math.sqrt(1 - distance);
    const squared = (radius - cortex) ** 2 - distance * radius * radius;
    const inside = radius > cortex && squared > 0 ? 2 * Math.sqrt(squared) : 0;
    const attenuation =
      OVER_SOFT_TISSUE.corticalBone * (whole - inside) + OVER_SOFT_TISSUE.trabecularBone * density * inside;
    extra[pixel]! += attenuation * flatness * oblique * share;
  });
}
