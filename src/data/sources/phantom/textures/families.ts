import { smoothStep, type ValueNoise } from '../draws.js';

/** What differs between classes of one family (`variant`) and between images of one class. Lengths in image sides. */
export interface Pattern {
  readonly variant: number;
  /** Size of the pattern's unit. */
  readonly scale: number;
  readonly noise: ValueNoise;
  /** Numbers in [0, 1) that are the image's own. */
  readonly own: readonly number[];
}

/** Grey value 0 to 1 at (x, y), the middle of the image at (0, 0). */
export type Family = (x: number, y: number, pattern: Pattern) => number;

const TURN = 2 * Math.PI;

/** 0 to 1 within a tenth of a unit around 0. */
function edge(value: number): number {
  return smoothStep(-0.05, 0.05, value);
}

function cell(value: number): number {
  return value - Math.floor(value);
}

/** A number in [0, 1) of the lattice point (x, y). */
function lattice(noise: ValueNoise, x: number, y: number, salt: number): number {
  return noise.at(((x * 7 + y * 13 + salt * 29) % 64) + 64, ((x * 17 - y * 5 + salt * 11) % 64) + 64);
}

/** Distances, in units of a cell, from the nearest and the second nearest of one jittered point a cell. */
function nearestPoints(x: number, y: number, { noise, own }: Pattern): readonly [number, number] {
  let [first, second] = [9, 9];
  const [cx, cy] = [Math.floor(x), Math.floor(y)];
  const salt = Math.floor(own[2]! * 64);
  for (let j = cy - 1; j <= cy + 1; j++) {
    for (let i = cx - 1; i <= cx + 1; i++) {
      const dx = i + lattice(noise, i, j, salt) - x;
      const dy = j + lattice(noise, i, j, salt + 1) - y;
      const distance = Math.sqrt(dx * dx + dy * dy);
      if (distance < first) [first, second] = [distance, first];
      else if (distance < second) second = distance;
    }
  }
  return [first, second];
}

/** Sum of octaves whose weights fall by `decay`. */
function octaves(x: number, y: number, decay: number, noise: ValueNoise): number {
  let [sum, total, weight] = [0, 0, 1];
  for (let octave = 0; octave < 4; octave++) {
    const step = 2 ** octave;
    sum += weight * noise.at(x * step + 13 * octave, y * step + 29 * octave);
    total += weight;
    weight *= decay;
  }
  return sum / total;
}

/** The families of patterns, each with variants by scale and proportion. */
export const FAMILIES = {
  stripes: (x, _y, { scale, own, variant }) =>
    edge(Math.sin(TURN * (x / scale + own[0]!)) + [0, 0.5, -0.5, 0][variant]!),
  checker: (x, y, { scale, own }) =>
    edge(Math.sin(TURN * (x / scale + own[0]!)) * Math.sin(TURN * (y / scale + own[1]!))),
  dots: (x, y, { scale, own, variant }) => {
    const [u, v] = [cell(x / scale + own[0]!) - 0.5, cell(y / scale + own[1]!) - 0.5];
    return edge([0.3, 0.2, 0.4, 0.25][variant]! - Math.hypot(u, v));
  },
  blobs: (x, y, { scale, own, noise }) =>
    smoothStep(0.45, 0.55, octaves(x / scale + 64 * own[0]!, y / scale + 64 * own[1]!, 0.3, noise)),
  rings: (x, y, { scale, own }) =>
    edge(Math.sin(TURN * (Math.hypot(x - 0.4 * own[1]! + 0.2, y - 0.4 * own[2]! + 0.2) / scale + own[0]!))),
  spokes: (x, y, { own, variant }) => {
    const angle = Math.atan2(y - 0.4 * own[1]! + 0.2, x - 0.4 * own[2]! + 0.2);
    return edge(Math.sin(angle * [6, 10, 15, 22][variant]! + TURN * own[0]!));
  },
  voronoi: (x, y, pattern) => nearestPoints(x / pattern.scale + 9, y / pattern.scale + 9, pattern)[0],
  cracks: (x, y, pattern) => {
    const [first, second] = nearestPoints(x / pattern.scale + 9, y / pattern.scale + 9, pattern);
    return smoothStep(0, 0.16, second - first);
  },
  clouds: (x, y, { scale, own, noise, variant }) =>
    octaves(x / scale + 64 * own[0]!, y / scale + 64 * own[1]!, [0.5, 0.7, 0.9, 1.1][variant]!, noise),
  ridges: (x, y, { scale, own, noise }) =>
    1 -
    smoothStep(
      0,
      0.12,
      Math.abs(octaves(x / scale + 64 * own[0]!, y / scale + 64 * own[1]!, 0.4, noise) - 0.5),
    ),
  waves: (x, y, { scale, own, variant }) => {
    const bend = [0.35, 0.7, 0.35, 0.7][variant]! * Math.sin((TURN * y) / (2.5 * scale) + TURN * own[1]!);
    return edge(Math.sin(TURN * (x / scale + own[0]! + bend)));
  },
  bricks: (x, y, { scale, own }) => {
    const row = Math.floor((2 * y) / scale + own[1]!);
    const [u, v] = [cell(x / scale + own[0]! + 0.5 * (row & 1)), cell((2 * y) / scale + own[1]!)];
    return u < 0.08 || v < 0.16 ? 0 : 0.75 + 0.25 * cell(row * 0.37);
  },
  hexagons: (x, y, { scale, own }) => {
    const [u, v] = [x / scale + own[0]!, y / scale + own[1]!];
    const waves = [0, 1, 2].map((k) =>
      Math.cos(TURN * (u * Math.cos((k * Math.PI) / 3) + v * Math.sin((k * Math.PI) / 3))),
    );
    return smoothStep(-0.6, 0.9, waves[0]! + waves[1]! + waves[2]!);
  },
  spirals: (x, y, { scale, own, variant }) => {
    const [dx, dy] = [x - 0.3 * own[1]! + 0.15, y - 0.3 * own[2]! + 0.15];
    const arms = [1, 2, 3, 5][variant]!;
    return edge(Math.sin((TURN * Math.hypot(dx, dy)) / scale + arms * Math.atan2(dy, dx) + TURN * own[0]!));
  },
  polygons: (x, y, { scale, own, variant }) => {
    const [u, v] = [cell(x / (1.6 * scale) + own[0]!) - 0.5, cell(y / (1.6 * scale) + own[1]!) - 0.5];
    const corners = [3, 4, 5, 6][variant]!;
    const angle = Math.atan2(v, u) + TURN * own[2]!;
    const sector = TURN / corners;
    const turned = angle - sector * Math.round(angle / sector);
    return edge(0.27 - Math.hypot(u, v) * Math.cos(turned));
  },
  crosses: (x, y, { scale, own, variant }) => {
    const [u, v] = [cell(x / (1.3 * scale) + own[0]!) - 0.5, cell(y / (1.3 * scale) + own[1]!) - 0.5];
    const arm = [0.07, 0.12, 0.07, 0.12][variant]!;
    const inside = Math.max(arm - Math.min(Math.abs(u), Math.abs(v)), -0.5);
    return edge(Math.min(inside, 0.36 - Math.max(Math.abs(u), Math.abs(v))) * 2);
  },
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;
export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly FamilyName[];
export const VARIANTS = 4;
