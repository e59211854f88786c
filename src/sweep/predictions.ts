import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { TrialResult } from '../train/trial.js';

/** Test or validation logits [rows × outputs] of one trial, as its ledger row names them; a ThawError IO when the file ends before. */
export async function readPredictions(
  runFolder: string,
  { file, offset, rows, outputs }: TrialResult['predictions'],
): Promise<Float32Array> {
  const path = join(runFolder, file);
  const bytes = Buffer.alloc(rows * outputs * 2);
  let bytesRead = 0;
  try {
    const handle = await open(path, 'r');
    try {
      ({ bytesRead } = await handle.read(bytes, 0, bytes.length, offset));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
  if (bytesRead < bytes.length) {
    throw new ThawError('IO', `expected ${bytes.length} bytes at ${offset}, received ${bytesRead}.`, {
      file: path,
      hint: 'The file was cut off after the ledger was written; run the trial again in a new run folder.',
    });
  }
  return Float32Array.from({ length: rows * outputs }, (_, index) => fromHalf(bytes.readUInt16LE(index * 2)));
}

/** Largest finite binary16. */
const MOST = 65504;

/** Logits as a prediction file can hold them: those of a training that ran away are kept at the largest float16, not as infinite. */
export function withinHalf(logits: Float32Array): Float32Array {
  return logits.every((logit) => Math.abs(logit) <= MOST)
    ? logits
    : logits.map((logit) => Math.max(-MOST, Math.min(MOST, logit)));
}

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
