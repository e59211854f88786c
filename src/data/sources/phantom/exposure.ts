import type { RandomStream } from '../../../base/random.js';
import { scramble } from './draws.js';

/** From the beam behind the body to the grey level. */
export interface Exposure {
  /** Scattered over primary fluence, behind 1 mean free path and more. */
  readonly scatter: number;
  /**
   * Quanta that a pixel in the middle of the image detects on average, as automatic exposure control sees to: fewer than in
   * practice, to stand for electronic noise as well.
   */
  readonly quanta: number;
  /** Weight of each of the four neighbours in the detector's blur. */
  readonly blur: number;
  /** Share of the coarse contrast that processing takes away, 0 to 1. */
  readonly equalisation: number;
  /** Attenuation above the image's mean that becomes middle grey, and the width of the sigmoid. */
  readonly centre: number;
  readonly width: number;
}

const COARSE = 8;

/**
 * Detects and presents line integrals of attenuation, [size, size]: Beer-Lambert's law, scatter as a blurred share of what
 * the body lets through, quantum noise (normal, which Poisson's law is at these counts), detector blur, logarithm,
 * equalisation and a sigmoid look-up as in "for presentation" images: dense is bright.
 */
export function expose(
  line: Float32Array,
  size: number,
  exposure: Exposure,
  random: RandomStream,
): Float32Array {
  const count = size * size;
  const fluence = new Float32Array(count);
  const source = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const primary = Math.exp(-line[i]!);
    fluence[i] = primary;
    source[i] = primary * Math.min(1, line[i]!);
  }
  const scattered = new Coarse(source, size, size / 9);
  const { scatter, quanta } = exposure;
  const key = random.word();
  for (let row = 0, i = 0; row < size; row++) {
    scattered.toRow(row);
    for (let column = 0; column < size; column++, i++) {
      fluence[i]! += scatter * scattered.at(column);
    }
  }
  const noise = Math.sqrt(middleMean(fluence, size, 0, Number.POSITIVE_INFINITY) / quanta);
  for (let i = 0; i < count; i++) {
    const total = fluence[i]!;
    const noisy = total + noise * Math.sqrt(total) * roughNormal(scramble(key + i));
    fluence[i] = Math.max(0.1 * total, noisy);
  }
  const signal = blurred(fluence, size, exposure.blur);
  for (let i = 0; i < count; i++) signal[i] = -Math.log(Math.max(1e-9, signal[i]!));
  return present(signal, size, exposure);
}

function present(
  signal: Float32Array,
  size: number,
  { equalisation, centre, width }: Exposure,
): Float32Array {
  const mean = middleMean(signal, size, BESIDE, Number.POSITIVE_INFINITY);
  const coarse = new Coarse(signal, size, size / 20);
  for (let row = 0, i = 0; row < size; row++) {
    coarse.toRow(row);
    for (let column = 0; column < size; column++, i++) {
      const level = signal[i]! - equalisation * (coarse.at(column) - mean) - mean;
      signal[i] = 255 / (1 + Math.exp((centre - level) / width));
    }
  }
  return signal;
}

/** Below this attenuation a pixel in the middle of the image is taken for one beside the body. */
const BESIDE = 0.25;

/** Mean of the values from `low` to `high` in the middle of the image, where automatic exposure control measures. */
function middleMean(image: Float32Array, size: number, low: number, high: number): number {
  const margin = size >> 2;
  let [sum, count] = [0, 0];
  for (let row = margin; row < size - margin; row++) {
    for (let column = margin; column < size - margin; column++) {
      const value = image[row * size + column]!;
      if (value < low || value > high) continue;
      sum += value;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

function blurred(image: Float32Array, size: number, weight: number): Float32Array {
  const result = new Float32Array(image.length);
  for (let row = 0; row < size; row++) {
    const up = (row === 0 ? 0 : -1) * size;
    const down = (row === size - 1 ? 0 : 1) * size;
    for (let column = 0, i = row * size; column < size; column++, i++) {
      const left = image[column === 0 ? i : i - 1]!;
      const right = image[column === size - 1 ? i : i + 1]!;
      result[i] = (1 - 4 * weight) * image[i]! + weight * (left + right + image[i + up]! + image[i + down]!);
    }
  }
  return result;
}

/** An image blurred by a wide bell, kept at an eighth of the resolution. */
class Coarse {
  private readonly cells: number;
  private readonly values: Float32Array;
  private readonly line: Float32Array;

  /** `sigma` in pixels of the image. */
  constructor(image: Float32Array, size: number, sigma: number) {
    this.cells = Math.ceil(size / COARSE);
    const { cells } = this;
    let values: Float32Array = new Float32Array(cells * cells);
    for (let row = 0; row < cells; row++) {
      for (let column = 0; column < cells; column++) {
        values[row * cells + column] = cellMean(image, size, row * COARSE, column * COARSE);
      }
    }
    const kernel = bellKernel(sigma / COARSE);
    values = smoothed(values, cells, 1, kernel);
    this.values = smoothed(values, cells, cells, kernel);
    this.line = new Float32Array(cells);
  }

  /** Makes `at` answer for this row. */
  toRow(row: number): void {
    const { cells, values, line } = this;
    const y = Math.min(cells - 1, Math.max(0, (row + 0.5) / COARSE - 0.5));
    const top = Math.min(cells - 2, Math.floor(y));
    const share = y - top;
    for (let column = 0; column < cells; column++) {
      const upper = values[top * cells + column]!;
      line[column] = upper + share * (values[(top + 1) * cells + column]! - upper);
    }
  }

  at(column: number): number {
    const { cells, line } = this;
    const x = Math.min(cells - 1, Math.max(0, (column + 0.5) / COARSE - 0.5));
    const left = Math.min(cells - 2, x | 0);
    return line[left]! + (x - left) * (line[left + 1]! - line[left]!);
  }
}

function cellMean(image: Float32Array, size: number, top: number, left: number): number {
  const bottom = Math.min(size, top + COARSE);
  const right = Math.min(size, left + COARSE);
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) sum += image[row * size + column]!;
  }
  return sum / ((bottom - top) * (right - left));
}

function bellKernel(sigma: number): Float32Array {
  const reach = Math.max(1, Math.ceil(2.5 * sigma));
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

/** Convolution along rows (`step` 1) or columns (`step` cells); the rim continues with its last value. */
function smoothed(values: Float32Array, cells: number, step: number, kernel: Float32Array): Float32Array {
  const result = new Float32Array(values.length);
  const reach = kernel.length >> 1;
  for (let i = 0; i < values.length; i++) {
    const place = step === 1 ? i % cells : Math.floor(i / cells);
    let sum = 0;
    for (let k = -reach; k <= reach; k++) {
      const other = Math.min(cells - 1, Math.max(0, place + k));
      sum += kernel[k + reach]! * values[i + (other - place) * step]!;
    }
    result[i] = sum;
  }
  return result;
}

/** Sum of the word's four bytes, shifted and scaled to mean 0 and variance 1 (Irwin-Hall): near enough to normal for noise. */
function roughNormal(word: number): number {
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  return (sum - 510) / Math.sqrt((4 * (256 * 256 - 1)) / 12);
}
