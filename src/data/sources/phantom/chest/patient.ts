import type { RandomStream } from '../../../../base/random.js';
import { bell, between, clamp } from '../draws.js';

/**
 * What stays the same over all visits of a patient. Lengths in cm. Coordinates of the chest: x to the image's right (the
 * patient's left), y down, z forward; the origin lies in the mid-plane at half the height of the lungs.
 */
export interface ChestPatient {
  readonly sex: 'F' | 'M';
  readonly age: number;
  /** Half the inner width of the thorax. */
  readonly halfWidth: number;
  /** Half its inner depth. */
  readonly halfDepth: number;
  /** From apex to dome in full inspiration. */
  readonly lungHeight: number;
  /** Thickness of the fat around the chest. */
  readonly fat: number;
  /** Shoulders' height over half the lungs' height. */
  readonly shoulderSlope: number;
  /** Half the heart's transverse diameter over the thorax's half width, without disease. */
  readonly heartRatio: number;
  /** Radians by which the heart's long axis falls to the left. */
  readonly heartTilt: number;
  /** Widening and unfolding of the aorta, about 1. */
  readonly aorta: number;
  readonly ribSpacing: number;
  readonly ribPhase: number;
  /** Fall of the ribs from back to front. */
  readonly ribTilt: number;
  readonly boneDensity: number;
  /** Depth (forward) of the breasts; 0 for men. */
  readonly breast: number;
  readonly breastWidth: number;
  /** How far the left dome lies below the right one. */
  readonly domeDifference: number;
  readonly domeArch: number;
  readonly clavicleSlope: number;
  readonly vesselDensity: number;
}

export function drawPatient(random: RandomStream): ChestPatient {
  const female = random.uniform() < 0.44;
  const age = Math.round(clamp(bell(random, 47, 17), 18, 90));
  const stature = bell(random, 0, 1);
  const weight = bell(random, 0.1, 1);
  const scale = (female ? 0.93 : 1) * (1 + 0.045 * stature);
  const elderly = clamp((age - 40) / 40, 0, 1);
  return {
    sex: female ? 'F' : 'M',
    age,
    halfWidth: scale * bell(random, 13.4, 0.55) + 0.25 * weight,
    halfDepth: scale * bell(random, 9.6, 0.5) + 0.7 * weight + 0.4 * elderly,
    lungHeight: scale * bell(random, 23.5, 1.2) - 0.6 * Math.max(0, weight),
    fat: clamp((female ? 1.9 : 1.4) + 1.0 * weight, 0.4, 5),
    shoulderSlope: between(random, 0.75, 1.05),
    heartRatio: bell(random, 0.435, 0.022) + 0.008 * weight,
    heartTilt: clamp(bell(random, 0.62, 0.1) - 0.06 * weight, 0.3, 0.9),
    aorta: bell(random, 1, 0.08) + 0.25 * elderly,
    ribSpacing: bell(random, 2.28, 0.09) * scale,
    ribPhase: between(random, -0.5, 0.5),
    ribTilt: bell(random, 0.46, 0.06),
    boneDensity: bell(random, 1, 0.12) - 0.25 * elderly * (female ? 1.2 : 0.8),
    breast: female ? clamp(bell(random, 2.6, 0.9) + 0.8 * weight, 0.6, 7) : 0,
    breastWidth: clamp(bell(random, 6.6, 0.6) + 0.5 * weight, 5, 9),
    domeDifference: bell(random, 1.1, 0.6),
    domeArch: bell(random, 3.9, 0.5),
    clavicleSlope: between(random, -0.05, 0.22),
    vesselDensity: bell(random, 1, 0.12),
  };
}
