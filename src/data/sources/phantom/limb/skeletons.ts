import type { RandomStream } from '../../../../base/random.js';
import { bell } from '../draws.js';
import type { Part } from './shape.js';

export const LIMB_PARTS = ['wrist', 'knee', 'hand'] as const;
export type LimbPart = (typeof LIMB_PARTS)[number];

/** A bone by the outline of its projection. Lengths in cm. */
export interface Bone {
  readonly parts: readonly Part[];
  /** Radius with which its parts melt into each other. */
  readonly blend: number;
  /** Half its thickness along the beam. */
  readonly depth: number;
  readonly cortex: number;
  /** Axis along which trabeculae run and a fracture may lie; from one end to the other. */
  readonly axis: readonly [ax: number, ay: number, bx: number, by: number];
}

/** Where two bones meet: middle and half width of the gap, the gap's height, and the direction across it. */
export interface Joint {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly gap: number;
  /** From the gap's middle to where the bones' ends are widest. */
  readonly rim: number;
  /** Direction from the fixed to the other bone, radians. */
  readonly direction: number;
  /** Bone that moves towards the other when the cartilage is lost. */
  readonly bone: number;
}

export interface Skeleton {
  readonly bones: readonly Bone[];
  readonly joints: readonly Joint[];
  /** Bones that may break, the likely one first. */
  readonly breakable: readonly number[];
  readonly flesh: readonly Part[];
  readonly fleshDepth: number;
  /** Side of the imaged square, cm. */
  readonly field: number;
}

/** The bones of one patient; `random` gives individual proportions. */
export function drawSkeleton(part: LimbPart, random: RandomStream): Skeleton {
  const scale = bell(random, 1, 0.06);
  const vary = (value: number, share = 0.05) => bell(random, value, share * Math.abs(value)) * scale;
  switch (part) {
    case 'knee':
      return knee(vary);
    case 'wrist':
      return wrist(vary);
    case 'hand':
      return hand(vary);
  }
}

type Vary = (value: number, share?: number) => number;

function shaft(ax: number, ay: number, bx: number, by: number, a: number, b: number): Part {
  return { kind: 'shaft', ax, ay, bx, by, a, b };
}

function ellipse(x: number, y: number, a: number, b: number, angle = 0): Part {
  return { kind: 'ellipse', x, y, a, b, angle };
}

/** Femur above, tibia and fibula below, the kneecap over the femur; antero-posterior. */
function knee(vary: Vary): Skeleton {
  const half = vary(3.9);
  const neck = vary(1.75);
  const gap = vary(0.5, 0.1);
  const plateau = gap / 2;
  const femur: Bone = {
    parts: [
      shaft(vary(0.3, 0.5), -13, 0.1, -7.2, neck, neck * 1.1),
      shaft(0.1, -7.2, 0, -4.2, neck * 1.1, half * 0.8),
      ellipse(-0.52 * half, -plateau - 1.9, 0.5 * half, 1.95, 0.12),
      ellipse(0.52 * half, -plateau - 1.85, 0.5 * half, 1.9, -0.1),
    ],
    blend: 0.7,
    depth: 2.6,
    cortex: 0.22,
    axis: [0, -8, 0, -1.5],
  };
  const tibia: Bone = {
    parts: [
      ellipse(-0.5 * half, plateau + 0.95, 0.52 * half, 0.95, -0.05),
      ellipse(0.5 * half, plateau + 0.95, 0.52 * half, 0.95, 0.05),
      ellipse(-0.06 * half, plateau + 0.3, 0.3, 0.55),
      shaft(0, plateau + 3.3, -0.1, 6.6, half * 0.74, neck * 1.1),
      shaft(-0.1, 6.6, vary(-0.3, 0.5), 14, neck * 1.1, neck * 0.95),
    ],
    blend: 0.6,
    depth: 2.3,
    cortex: 0.22,
    axis: [0, 0.8, 0, 8.4],
  };
  const fibula: Bone = {
    parts: [ellipse(half * 0.98, 2.7, 0.85, 1.15, 0.2), shaft(half * 0.96, 3.4, half * 0.8, 14, 0.55, 0.62)],
    blend: 0.5,
    depth: 0.65,
    cortex: 0.16,
    axis: [half * 0.96, 2, half * 0.86, 8.6],
  };
  const patella: Bone = {
    parts: [ellipse(vary(0.3, 0.6), -vary(4.6), 2.1, 2.3)],
    blend: 0,
    depth: 0.55,
    cortex: 0.08,
    axis: [0, -6, 0, -3],
  };
  return {
    bones: [femur, tibia, fibula, patella],
    joints: [-1, 1].map((side) => ({
      x: side * 0.55 * half,
      y: 0,
      halfWidth: 0.42 * half,
      gap,
      rim: 0.75,
      direction: Math.PI / 2,
      bone: 1,
    })),
    breakable: [1, 0, 2],
    flesh: [shaft(0, -14, 0, 0, vary(6.6), vary(5.9)), shaft(0, 0, 0, 14, 5.9, vary(5))],
    fleshDepth: 5.2,
    field: 16,
  };
}

/** Ends of radius and ulna, eight carpal bones, five metacarpals. */
function wrist(vary: Vary): Skeleton {
  const radiusWidth = vary(0.82);
  const bones: Bone[] = [
    {
      parts: [
        shaft(-0.95, 9, -0.75, 3, radiusWidth * 0.85, radiusWidth * 0.9),
        shaft(-0.75, 3.2, -0.75, 1.5, radiusWidth * 0.9, radiusWidth * 1.45),
        ellipse(-1.55, 0.95, 0.42, 0.62, 0.3),
      ],
      ...{ blend: 0.35, depth: 0.85, cortex: 0.17 },
      axis: [-0.95, 7, -0.75, 0.6],
    },
    {
      parts: [
        shaft(1.25, 9, 1.15, 2, 0.52, 0.58),
        ellipse(1.15, 1.45, 0.68, 0.55),
        ellipse(1.6, 0.9, 0.16, 0.32),
      ],
      ...{ blend: 0.3, depth: 0.6, cortex: 0.14 },
      axis: [1.25, 7, 1.15, 1],
    },
  ];
  const carpals: readonly (readonly [number, number, number, number, number])[] = [
    [-1.25, -0.6, 0.62, 0.92, 0.75],
    [-0.1, -0.4, 0.72, 0.68, 0],
    [1.0, -0.45, 0.68, 0.6, -0.5],
    [1.35, -0.85, 0.42, 0.48, 0],
    [-1.85, -1.95, 0.62, 0.55, 0.5],
    [-1.15, -2.1, 0.45, 0.52, 0],
    [-0.25, -1.95, 0.66, 0.98, 0],
    [0.85, -1.85, 0.68, 0.86, -0.3],
  ];
  for (const [x, y, a, b, angle] of carpals) {
    bones.push({
      parts: [ellipse(vary(x, 0.03), vary(y, 0.03) + 0.2, vary(a) * 1.05, vary(b) * 1.05, angle)],
      ...{ blend: 0, depth: 0.6, cortex: 0.09 },
      axis: [x, y - b, x, y + b],
    });
  }
  const joints: Joint[] = [
    { x: -0.75, y: 0.3, halfWidth: 1.1, gap: 0.2, rim: 0.4, direction: -Math.PI / 2, bone: 0 },
    { x: -2.3, y: -2.35, halfWidth: 0.5, gap: 0.16, rim: 0.3, direction: -2.3, bone: 10 },
  ];
  const heads: readonly (readonly [number, number, number, number])[] = [
    [-2.45, -2.5, -4.6, -5],
    [-1.3, -3, -2, -9],
    [-0.3, -3.2, -0.35, -9.2],
    [0.6, -3, 1.1, -8.8],
    [1.35, -2.9, 2.5, -8.2],
  ];
  for (const [x, y, endX, endY] of heads) bones.push(longBone(x, y, endX, endY, vary(0.36), 0.46, 0.11));
  return {
    bones,
    joints,
    breakable: [0, 1, 2],
    flesh: [
      shaft(0.1, 9, 0.1, 1, vary(3.1), vary(2.9)),
      shaft(0.1, 1, -0.1, -3, 2.9, vary(3.3)),
      shaft(-0.1, -3, 0.1, -9, 3.3, vary(4)),
      shaft(-2, -2.5, -4.8, -5.6, 1.3, 1.2),
    ],
    fleshDepth: 2.1,
    field: 13,
  };
}

/** A tubular bone with wider ends. */
function longBone(
  ax: number,
  ay: number,
  bx: number,
  by: number,
  half: number,
  end: number,
  cortex: number,
): Bone {
  const at = (t: number) => [ax + (bx - ax) * t, ay + (by - ay) * t] as const;
  const [p, q, r, s] = [at(0.16), at(0.32), at(0.72), at(0.87)];
  return {
    parts: [
      shaft(...at(0.05), ...p, end, end * 0.98),
      shaft(...p, ...q, end * 0.95, half * 0.85),
      shaft(...q, ...r, half * 0.85, half * 0.85),
      shaft(...r, ...s, half * 0.85, end * 0.95),
      ellipse(...at(0.94), end * 1.05, end),
    ],
    blend: 0.2,
    depth: 0.85 * end,
    cortex,
    axis: [ax, ay, bx, by],
  };
}

/** Five rays of metacarpal and phalanges. */
function hand(vary: Vary): Skeleton {
  const bones: Bone[] = [];
  const joints: Joint[] = [];
  const flesh: Part[] = [
    shaft(0.1, 13, 0, 7.5, vary(2.9), vary(2.7)),
    shaft(0, 7.5, 0, 4.5, 2.7, vary(3.5)),
    shaft(-1.6, 4.6, 0, 0.4, 2, 2.5),
    shaft(1.6, 4.2, 0.4, 0.6, 2, 2.5),
  ];
  const rays: readonly {
    readonly from: readonly [number, number];
    readonly heading: number;
    readonly lengths: readonly number[];
  }[] = [
    { from: [-2.1, 3.9], heading: -2.35, lengths: [4.2, 3, 2.2] },
    { from: [-1.3, 3.1], heading: -1.78, lengths: [5.8, 4, 2.4, 1.7] },
    { from: [-0.3, 3], heading: -1.6, lengths: [5.7, 4.5, 2.9, 1.9] },
    { from: [0.6, 3.1], heading: -1.43, lengths: [5.3, 4.1, 2.7, 1.9] },
    { from: [1.4, 3.3], heading: -1.24, lengths: [4.9, 3.3, 1.9, 1.7] },
  ];
  for (const { from, heading, lengths } of rays) {
    let [x, y] = [from[0], from[1] + 0.8];
    const turn = heading + vary(1, 0.04) - 1;
    for (const [segment, given] of lengths.entries()) {
      const length = vary(given, 0.03) * 0.8;
      const [dx, dy] = [Math.cos(turn), Math.sin(turn)];
      const end = [x + dx * length, y + dy * length] as const;
      const half = [0.42, 0.38, 0.32, 0.26][segment]!;
      bones.push(longBone(x, y, ...end, vary(half), half * 1.3, 0.1));
      flesh.push(shaft(x, y, end[0], end[1], segment === 0 ? 1.1 : 0.95, 0.86));
      const gap = 0.12;
      const along = gap + half * 1.15;
      if (segment > 0) {
        joints.push({
          x: x - dx * 0.35,
          y: y - dy * 0.35,
          halfWidth: half * 1.25,
          gap,
          rim: 0.3,
          direction: turn,
          bone: bones.length - 1,
        });
      }
      [x, y] = [end[0] + dx * along * 1.2, end[1] + dy * along * 1.2];
    }
  }
  for (const [x, y, a, b] of [
    [-1.6, 4.4, 0.7, 0.6],
    [-0.5, 4.1, 0.6, 0.75],
    [0.6, 4.2, 0.65, 0.7],
    [-1, 5.3, 0.6, 0.75],
    [0.1, 5.4, 0.65, 0.6],
    [1, 5.3, 0.6, 0.55],
  ] as const) {
    bones.push({
      parts: [ellipse(x, y + 0.8, a, b)],
      ...{ blend: 0, depth: 0.6, cortex: 0.08 },
      axis: [x, y - b, x, y + b],
    });
  }
  bones.push(longBone(-0.9, 15, -0.8, 7.5, 0.8, 1.2, 0.16), longBone(1.1, 15, 1.05, 7.6, 0.55, 0.7, 0.13));
  return {
    bones,
    joints,
    breakable: Array.from({ length: 19 }, (_, i) => i),
    flesh,
    fleshDepth: 1.5,
    field: 20,
  };
}
