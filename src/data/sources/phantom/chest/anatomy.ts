import type { RandomStream } from '../../../../base/random.js';
import { bell, between, chance, clamp } from '../draws.js';
import type { Positioning } from '../projection.js';
import type { ChestPatient } from './patient.js';
import type { Side, Signs } from './signs.js';

/** What a visit has besides its findings. */
export interface Visit {
  readonly view: 'PA' | 'AP';
  /** 0 (expiration) to 1 (deep inspiration). */
  readonly inspiration: number;
  readonly positioning: Positioning;
}

/** An ellipsoid of soft tissue: centre, semi-axes of the frontal outline and in depth (cm), angle of the first axis. */
export interface Ellipsoid {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly semiA: number;
  readonly semiB: number;
  readonly semiDepth: number;
  readonly angle: number;
}

/** One lung's cavity: outline in the frontal plane, cm. */
export interface Cavity {
  readonly side: Side;
  readonly apexX: number;
  readonly apexY: number;
  /** Farthest lateral boundary, and boundary towards the mediastinum. */
  readonly lateral: number;
  readonly medial: number;
  /** Top of the dome, and level of the costophrenic angle. */
  readonly domeY: number;
  readonly angleY: number;
  /** Depth from front to back. */
  readonly depth: number;
}

/** The chest of one image: the patient's build, changed by breathing and by the findings that move organs. */
export interface ChestAnatomy {
  readonly patient: ChestPatient;
  readonly cavities: readonly [Cavity, Cavity];
  /** Left and right heart. */
  readonly ventricles: Ellipsoid;
  readonly atrium: Ellipsoid;
  /** Displacement of the mediastinum to the image's right. */
  readonly shift: number;
  /** From the shoulder's joint to the elbow, cm outwards and down. */
  readonly arm: readonly [number, number];
  /** Lowering of the diaphragm against a normal deep breath. */
  readonly depression: number;
}

export function drawVisit(random: RandomStream, apShare: number): Visit {
  const ap = chance(random, apShare);
  const sourceDistance = ap ? between(random, 100, 125) : 180;
  return {
    view: ap ? 'AP' : 'PA',
    inspiration: clamp(bell(random, ap ? 0.55 : 0.85, 0.18), 0, 1.1),
    positioning: {
      field: between(random, 37, 43),
      sourceDistance,
      detectorDistance: ap ? 13 : 15,
      facing: ap ? -1 : 1,
      turn: bell(random, 0, ap ? 0.07 : 0.03),
      roll: bell(random, 0, ap ? 0.05 : 0.025),
      shiftX: bell(random, 0, ap ? 1.1 : 0.6),
      shiftY: bell(random, -1.2, ap ? 1.3 : 0.8),
    },
  };
}

/** Share of images taken with the beam from the front: bed-side images are more common with acute findings. */
export function apShare(signs: Signs): number {
  let upright = 0.65;
  if (signs.Edema !== undefined) upright *= 0.4;
  if (signs.Consolidation !== undefined) upright *= 0.65;
  if (signs.Pneumonia !== undefined) upright *= 0.85;
  if (signs.Infiltration !== undefined) upright *= 0.8;
  if (signs.Effusion !== undefined) upright *= 0.85;
  if (signs.Atelectasis !== undefined) upright *= 0.88;
  return 1 - upright;
}

export function composeAnatomy(patient: ChestPatient, visit: Visit, signs: Signs): ChestAnatomy {
  const hyperinflation = signs.Emphysema?.severity ?? 0;
  const shrinking = signs.Fibrosis?.severity ?? 0;
  const depression = 1.9 * hyperinflation - 3.2 * (1 - visit.inspiration);
  const shift = mediastinalShift(signs);
  const cavity = (side: Side): Cavity => {
    const lost = signs.Atelectasis?.side === side ? signs.Atelectasis.volumeLoss : 0;
    const half = patient.lungHeight / 2;
    const lift = lost * 0.9 + 1.1 * shrinking;
    const domeY = half + depression - lift + (side > 0 ? patient.domeDifference : 0);
    const arch = patient.domeArch * (1 - 0.55 * hyperinflation) - 0.3 * lift;
    return {
      side,
      apexX: side * 0.35 * patient.halfWidth,
      apexY: -half,
      lateral: side * patient.halfWidth * (1 + 0.03 * hyperinflation),
      medial: side * 2.1 + shift,
      domeY,
      angleY: domeY + Math.max(1.2, arch),
      depth: 2 * patient.halfDepth * (0.86 + 0.12 * hyperinflation),
    };
  };
  const right = cavity(-1);
  const left = cavity(1);
  return {
    patient,
    cavities: [right, left],
    ...heart(patient, visit, signs, shift, Math.min(right.domeY, left.domeY)),
    shift,
    arm: visit.view === 'AP' ? [2.5, 24] : [11, 19],
    depression,
  };
}

/** A collapsed lung draws the mediastinum to its side; much air or fluid pushes it away. */
function mediastinalShift({ Atelectasis, Effusion, Pneumothorax }: Signs): number {
  const drawn =
    Atelectasis === undefined || Atelectasis.plate ? 0 : Atelectasis.side * 0.35 * Atelectasis.volumeLoss;
  const fluid = Effusion === undefined ? 0 : -Effusion.side * 0.12 * Math.max(0, Effusion.level - 4);
  const air =
    Pneumothorax === undefined ? 0 : -Pneumothorax.side * 0.25 * Math.max(0, Pneumothorax.lateral - 1.2);
  return drawn + fluid + air;
}

function heart(
  patient: ChestPatient,
  { inspiration }: Visit,
  signs: Signs,
  shift: number,
  domeY: number,
): { readonly ventricles: Ellipsoid; readonly atrium: Ellipsoid } {
  const { halfWidth, halfDepth, heartRatio, heartTilt } = patient;
  const enlargement = signs.Cardiomegaly?.enlargement ?? 1;
  const slim = 1 - 0.12 * (signs.Emphysema?.severity ?? 0);
  const lying = 1 + 0.05 * (1 - inspiration);
  const width = heartRatio * halfWidth * enlargement * slim * lying;
  const tilt = heartTilt * (1 - 0.3 * (enlargement - 1));
  const y = domeY - 0.4 * width - 0.4;
  return {
    ventricles: {
      x: 0.38 * width + shift,
      y,
      z: 0.3 * halfDepth,
      semiA: 1.06 * width,
      semiB: 0.66 * width,
      semiDepth: 0.78 * width,
      angle: tilt,
    },
    atrium: {
      x: -0.33 * width + shift,
      y: y - 0.08 * width,
      z: 0.25 * halfDepth,
      semiA: 0.42 * width,
      semiB: 0.74 * width,
      semiDepth: 0.6 * width,
      angle: 0,
    },
  };
}

/** Half the horizontal extent of an ellipsoid's frontal outline. */
function reach({ semiA, semiB, angle }: Ellipsoid): number {
  return Math.hypot(semiA * Math.cos(angle), semiB * Math.sin(angle));
}

/** Greatest transverse diameter of the heart over the greatest inner width of the thorax, as a reader measures it. */
export function cardiothoracicRatio({ ventricles, atrium, cavities: [right, left] }: ChestAnatomy): number {
  const leftBorder = Math.max(ventricles.x + reach(ventricles), atrium.x + reach(atrium));
  const rightBorder = Math.min(ventricles.x - reach(ventricles), atrium.x - reach(atrium));
  return (leftBorder - rightBorder) / (left.lateral - right.lateral);
}
