import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDicom } from '../../../src/data/dicom-file.js';
import { describePixels, storedValue } from '../../../src/image/dicom/description.js';
import { readFrame } from '../../../src/image/dicom/frame.js';
import { transferSyntax } from '../../../src/image/dicom/syntax.js';

/** Made by ../golden/dicom.py. */
export interface StoredFacts {
  readonly sha256: string;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
}
export interface GoldenFile {
  readonly file: string;
  readonly syntax: string;
  /** Greatest difference of a value: 0 for lossless syntaxes. */
  readonly tolerance: number;
  readonly stored?: StoredFacts;
  readonly values?: readonly number[];
  /** Base64 of the windowed 8-bit image, by rule. */
  readonly levels?: string;
  readonly harder?: string;
  readonly fixed?: string;
  readonly percentile?: string;
  readonly colours?: string;
}
export interface GoldenReal {
  readonly file: string;
  readonly stored: StoredFacts;
  readonly levels: { readonly sha256: string; readonly mean: number; readonly std: number };
}

const folder = new URL('../golden/', import.meta.url);
export const golden: { readonly synthetic: readonly GoldenFile[]; readonly real: readonly GoldenReal[] } =
  JSON.parse(readFileSync(new URL('dicom.json', folder), 'utf8'));

export function goldenPath(file: string): string {
  return fileURLToPath(new URL(`dicom/${file}`, folder));
}

/** Stored values of a file, before rescale and window. */
export function storedValues(path: string): Int32Array {
  const { dataSet, fault } = parseDicom(readFileSync(path));
  const syntax = transferSyntax(dataSet.string('x00020010') ?? '');
  const { codes, description } = readFrame(dataSet, syntax, describePixels(dataSet), fault);
  return Int32Array.from(codes, (code) => storedValue(code, description));
}

export function sha256(array: Int32Array | Uint8Array | Uint16Array): string {
  return createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');
}

export function momentsOf(values: ArrayLike<number>): { mean: number; std: number } {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return { mean, std: Math.sqrt(squares / values.length) };
}

export function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
