import type { RandomStream } from '../../../../base/random.js';
import { bell, between, chance, imageStream, patientStream } from '../draws.js';
import { drawSkeleton, type LimbPart, type Skeleton } from './skeletons.js';

/** What streams of random numbers are for. */
export const PURPOSE = {
  ...{ skeleton: 0, visit: 1, exposure: 2, noise: 3, texture: 4, fracture: 5, arthritis: 6 },
} as const;

/** A break: the far fragment is shifted and turned, and a dark line runs between. Lengths in cm. */
export interface Fracture {
  readonly bone: number;
  readonly x: number;
  readonly y: number;
  /** Direction from the near to the far fragment. */
  readonly direction: number;
  readonly stepOff: number;
  readonly angulation: number;
  readonly lineWidth: number;
  readonly waviness: number;
}

/** Loss of cartilage in one joint: narrow gap, bony spurs at its margins, dense bone beside it. */
export interface Arthritis {
  readonly joint: number;
  /** 0 to 4, as Kellgren and Lawrence grade it, between the grades too; below 1.5 it is not called osteoarthritis. */
  readonly grade: number;
}

export interface LimbImage {
  readonly seed: number;
  readonly owner: number;
  readonly row: number;
  readonly skeleton: Skeleton;
  readonly fracture: Fracture | undefined;
  readonly arthritis: readonly Arthritis[];
  readonly view: {
    readonly turn: number;
    readonly x: number;
    readonly y: number;
    readonly zoom: number;
    readonly mirrored: boolean;
  };
}

/** Composes image `row` of patient `owner`. Joints wear in everybody, but beyond doubt only with `osteoarthritis`. Pure. */
export function composeLimb(
  seed: number,
  owner: number,
  row: number,
  part: LimbPart,
  { fractured, osteoarthritis }: { readonly fractured: boolean; readonly osteoarthritis: boolean },
): LimbImage {
  const own = patientStream(seed, owner, PURPOSE.skeleton);
  const skeleton = drawSkeleton(part, own);
  const mirrored = chance(own, 0.5);
  const visit = imageStream(seed, row, PURPOSE.visit);
  return {
    ...{ seed, owner, row, skeleton },
    fracture: fractured ? drawFracture(skeleton, imageStream(seed, row, PURPOSE.fracture)) : undefined,
    arthritis: drawArthritis(skeleton, osteoarthritis, patientStream(seed, owner, PURPOSE.arthritis)),
    view: {
      turn: bell(visit, 0, 0.08),
      x: bell(visit, 0, 0.03 * skeleton.field),
      y: bell(visit, 0, 0.03 * skeleton.field),
      zoom: bell(visit, 1, 0.05),
      mirrored,
    },
  };
}

function drawFracture({ bones, breakable }: Skeleton, random: RandomStream): Fracture {
  const bone = breakable[chance(random, 0.5) ? 0 : random.integer(breakable.length)]!;
  const [ax, ay, bx, by] = bones[bone]!.axis;
  const along = between(random, 0.3, 0.8);
  const severity = random.uniform() ** 1.4;
  const length = Math.hypot(bx - ax, by - ay);
  const width = Math.min(1, length / 5);
  return {
    bone,
    x: ax + along * (bx - ax),
    y: ay + along * (by - ay),
    direction: Math.atan2(by - ay, bx - ax) + between(random, -0.6, 0.6),
    stepOff: (chance(random, 0.5) ? 1 : -1) * 0.3 * severity * width,
    angulation: (chance(random, 0.5) ? 1 : -1) * 0.22 * severity,
    lineWidth: (0.06 + 0.1 * severity) * Math.max(0.5, width),
    waviness: between(random, 0.05, 0.25) * width,
  };
}

function drawArthritis({ joints }: Skeleton, present: boolean, random: RandomStream): Arthritis[] {
  const worst = random.integer(joints.length);
  const grade = present ? 1.5 + 2.5 * random.uniform() ** 1.2 : 0.5 + 0.7 * random.uniform();
  return joints.map((_, joint) => ({
    joint,
    grade: joint === worst ? grade : between(random, 0.1, 0.6) * grade,
  }));
}
