import type { RandomStream } from '../../../../base/random.js';
import { between, chance, imageStream, patientStream, side } from '../draws.js';
import { CHRONIC, FINDINGS, type Finding } from './findings.js';

/** −1: in the lung on the image's left (the patient's right), 1: right. */
export type Side = -1 | 1;

/** A place in a lung: `across` 0 (mediastinum) to 1 (chest wall), `down` 0 (apex) to 1 (dome). */
export interface Place {
  readonly side: Side;
  readonly across: number;
  readonly down: number;
}

export interface Sphere extends Place {
  /** cm. */
  readonly radius: number;
  readonly density: number;
}

export interface Haze extends Place {
  /** Standard deviations across and down, cm. */
  readonly width: number;
  readonly height: number;
  /** Share of the lung that is airless at the centre. */
  readonly share: number;
}

/** How each finding of one image looks; lengths in cm, shares 0 to 1. */
export interface Signs {
  readonly Atelectasis?: {
    readonly side: Side;
    readonly plate: boolean;
    readonly volumeLoss: number;
    readonly share: number;
  };
  /** Factor of the heart's width. */
  readonly Cardiomegaly?: { readonly enlargement: number };
  /** Height of the fluid level above the costophrenic angle; the second side's is 0 where there is none. */
  readonly Effusion?: {
    readonly side: Side;
    readonly level: number;
    readonly otherLevel: number;
    readonly rise: number;
  };
  readonly Infiltration?: { readonly hazes: readonly Haze[] };
  readonly Mass?: { readonly spheres: readonly Sphere[] };
  readonly Nodule?: { readonly spheres: readonly Sphere[] };
  readonly Pneumonia?: { readonly hazes: readonly Haze[] };
  /** Distance of the visceral line from the chest wall at the apex and at the side. */
  readonly Pneumothorax?: { readonly side: Side; readonly apical: number; readonly lateral: number };
  readonly Consolidation?: {
    readonly side: Side;
    readonly from: number;
    readonly to: number;
    readonly share: number;
  };
  readonly Edema?: { readonly share: number; readonly septalLines: number };
  /** Flattening of the domes, loss of lung tissue, and lucent bullae. */
  readonly Emphysema?: { readonly severity: number; readonly bullae: readonly Sphere[] };
  readonly Fibrosis?: { readonly severity: number };
  readonly Pleural_Thickening?: {
    readonly side: Side;
    readonly apical: boolean;
    readonly thickness: number;
    readonly extent: number;
  };
  readonly Hernia?: { readonly radius: number; readonly x: number; readonly air: number };
}

type Draw = { readonly [F in Finding]: (random: RandomStream, severity: number) => NonNullable<Signs[F]> };

const DRAW: Draw = {
  Atelectasis: (random, severity) => ({
    side: side(random),
    plate: chance(random, 0.55),
    volumeLoss: 0.6 + 2.6 * severity,
    share: 0.3 + 0.5 * severity,
  }),
  Cardiomegaly: (_random, severity) => ({ enlargement: 1.12 + 0.32 * severity }),
  Effusion: (random, severity) => ({
    side: side(random),
    level: 1.8 + 7.5 * severity,
    otherLevel: chance(random, 0.35) ? between(random, 0.8, 2 + 4 * severity) : 0,
    rise: between(random, 1.5, 3.5),
  }),
  Infiltration: (random, severity) => ({
    hazes: several(random, 2 + random.integer(4), (place) => ({
      ...place,
      width: between(random, 1.2, 2.6),
      height: between(random, 1.4, 3.2),
      share: (0.1 + 0.22 * severity) * between(random, 0.7, 1.3),
    })),
  }),
  Mass: (random, severity) => {
    const place = somewhere(random);
    const radius = 1.7 + 1.6 * severity;
    const lobes = 1 + random.integer(3);
    const spheres = Array.from({ length: lobes }, (_, i) => ({
      ...place,
      across: place.across + (i === 0 ? 0 : between(random, -0.1, 0.1)),
      down: place.down + (i === 0 ? 0 : between(random, -0.05, 0.05)),
      radius: radius * (i === 0 ? 1 : between(random, 0.55, 0.85)),
      density: 0.9,
    }));
    return { spheres };
  },
  Nodule: (random, severity) => ({
    spheres: several(random, chance(random, 0.7) ? 1 : 2 + random.integer(3), (place) => ({
      ...place,
      radius: 0.65 + 0.8 * severity * between(random, 0.7, 1),
      density: chance(random, 0.15) ? 1.9 : 1,
    })),
  }),
  Pneumonia: (random, severity) => {
    const place = { ...somewhere(random), down: between(random, 0.45, 0.92) };
    const hazes = Array.from({ length: 3 }, (_, i) => ({
      ...place,
      across: place.across + (i === 0 ? 0 : between(random, -0.22, 0.22)),
      down: place.down + (i === 0 ? 0 : between(random, -0.1, 0.1)),
      width: between(random, 1.3, 2.6),
      height: between(random, 1.2, 2.4),
      share: (0.16 + 0.32 * severity) * (i === 0 ? 1 : between(random, 0.4, 0.8)),
    }));
    return { hazes };
  },
  Pneumothorax: (random, severity) => ({
    side: side(random),
    apical: 1.5 + 4.7 * severity,
    lateral: 0.7 + 2.5 * severity,
  }),
  Consolidation: (random, severity) => {
    const from = chance(random, 0.65) ? between(random, 0.5, 0.68) : between(random, 0.02, 0.2);
    return { side: side(random), from, to: from + between(random, 0.25, 0.4), share: 0.28 + 0.45 * severity };
  },
  Edema: (random, severity) => ({ share: 0.07 + 0.23 * severity, septalLines: 4 + random.integer(6) }),
  Emphysema: (random, severity) => ({
    severity: 0.3 + 0.7 * severity,
    bullae: several(random, random.integer(4), (place) => ({
      ...place,
      down: 0.5 * place.down + 0.05,
      radius: between(random, 0.8, 2.4),
      density: between(random, 0.5, 0.9),
    })),
  }),
  Fibrosis: (_random, severity) => ({ severity: 0.3 + 0.7 * severity }),
  Pleural_Thickening: (random, severity) => ({
    side: side(random),
    apical: chance(random, 0.4),
    thickness: 0.75 + 1.15 * severity,
    extent: between(random, 0.35, 0.75),
  }),
  Hernia: (random, severity) => ({
    radius: 2.8 + 2 * severity,
    x: between(random, -1.5, 2.5),
    air: between(random, 0.35, 0.7),
  }),
};

/** Purposes of streams below this number belong to other parts of the drawing. */
export const FIRST_SIGN_PURPOSE = 16;

/** How the findings of image `row` look. Signs of chronic findings are the patient's and hardly change between visits. */
export function drawSigns(seed: number, patient: number, row: number, present: readonly boolean[]): Signs {
  const signs: Partial<Record<Finding, unknown>> = {};
  for (const [k, finding] of FINDINGS.entries()) {
    if (!present[k]) continue;
    const purpose = FIRST_SIGN_PURPOSE + k;
    const visit = imageStream(seed, row, purpose);
    if (CHRONIC.has(finding)) {
      const random = patientStream(seed, patient, purpose);
      const severity = 0.92 * drawSeverity(random) + 0.08 * visit.uniform();
      signs[finding] = DRAW[finding](random, severity);
    } else {
      signs[finding] = DRAW[finding](visit, drawSeverity(visit));
    }
  }
  return signs as Signs;
}

/** Mild cases are the most common: 0 is barely visible, 1 obvious. */
function drawSeverity(random: RandomStream): number {
  return random.uniform() ** 1.3;
}

function somewhere(random: RandomStream): Place {
  return { side: side(random), across: between(random, 0.22, 0.82), down: between(random, 0.12, 0.88) };
}

function several<T>(random: RandomStream, count: number, draw: (place: Place) => T): T[] {
  return Array.from({ length: count }, () => draw(somewhere(random)));
}
