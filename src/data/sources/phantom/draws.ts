import { RandomStream, STREAM } from '../../../base/random.js';

/** Most images of a phantom data set: each has a block of substreams of its own. */
export const MOST_IMAGES = 1 << 26;
const PURPOSES = 64;

/**
 * What one patient (0, 1, …) or one image draws for one purpose (0 to 63). Each has its own stream, so that an image does not
 * depend on which others are drawn, and a finding does not change what an image is otherwise like.
 */
export function patientStream(seed: number, patient: number, purpose: number): RandomStream {
  return new RandomStream(seed, STREAM.phantom, patient * PURPOSES + purpose);
}

export function imageStream(seed: number, row: number, purpose: number): RandomStream {
  return new RandomStream(seed, STREAM.phantomImage, row * PURPOSES + purpose);
}

/** What belongs to the data set as a whole. */
export function setStream(seed: number): RandomStream {
  return new RandomStream(seed, STREAM.phantom, MOST_IMAGES * PURPOSES - 1);
}

export function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Normal number of a population, kept within 2.5 standard deviations. */
export function bell(random: RandomStream, mean: number, deviation: number): number {
  return mean + deviation * Math.max(-2.5, Math.min(2.5, random.normal()));
}

export function chance(random: RandomStream, share: number): boolean {
  return random.uniform() < share;
}

export function side(random: RandomStream): -1 | 1 {
  return random.integer(2) === 0 ? -1 : 1;
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** 0 below `from`, 1 above `to` (which may be the smaller), smooth between. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** A bijection of 32-bit integers whose results look random (xor-shift and multiply, as in MurmurHash3's finaliser). */
export function scramble(word: number): number {
  let mixed = Math.imul(word, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Smooth random field on the torus: `cells`² random knots in [0, 1), interpolated. */
export class ValueNoise {
  private readonly knots: Float32Array;

  /** `cells` is a power of two. */
  constructor(
    random: RandomStream,
    private readonly cells: number,
  ) {
    const key = random.word();
    this.knots = new Float32Array(cells * cells);
    for (let i = 0; i < this.knots.length; i++) this.knots[i] = scramble(key + i) / 0x100000000;
  }

  /** Value at (x, y) in units of a cell. */
  at(x: number, y: number): number {
    const { knots, cells } = this;
    const mask = cells - 1;
    const floorX = Math.floor(x);
    const floorY = Math.floor(y);
    const fx = x - floorX;
    const fy = y - floorY;
    const tx = fx * fx * (3 - 2 * fx);
    const ty = fy * fy * (3 - 2 * fy);
    const left = floorX & mask;
    const right = (floorX + 1) & mask;
    const top = (floorY & mask) * cells;
    const bottom = ((floorY + 1) & mask) * cells;
    const upper = knots[top + left]! + tx * (knots[top + right]! - knots[top + left]!);
    const lower = knots[bottom + left]! + tx * (knots[bottom + right]! - knots[bottom + left]!);
    return upper + ty * (lower - upper);
  }
}
