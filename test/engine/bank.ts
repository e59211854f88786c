import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import type { NativeHead, NativeHeadBankOptions } from '../../src/engine/addon.js';

const folder = mkdtempSync(join(tmpdir(), 'thaw-engine-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Writes an array's bytes to a new temporary file and returns its path. */
export function fileOf(values: Float32Array | Uint16Array | Uint8Array): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.bin`);
  writeFileSync(path, values);
  return path;
}

export interface BankSize {
  readonly rows: number;
  readonly features: number;
  readonly outputs: number;
  readonly heads: number;
  readonly epochs: number;
}

/** A bank of heads with dropout on random features, of which the first ones decide the labels. */
export function bankOptions(
  size: BankSize,
  changes: Partial<NativeHeadBankOptions> = {},
): NativeHeadBankOptions {
  const { rows, features, outputs, heads, epochs } = size;
  const random = new RandomStream(3, STREAM.phantom);
  const x = Float32Array.from({ length: rows * features }, () => random.normal());
  const targets = Float32Array.from({ length: rows * outputs }, (_, i) => {
    const row = Math.floor(i / outputs);
    return (x[row * features + (i % outputs)] as number) + random.normal() > 0 ? 1 : 0;
  });
  const training = Math.floor(rows * 0.75);
  const order = Uint32Array.from({ length: epochs * training }, () => random.integer(training));
  const steps = epochs * Math.ceil(training / 32);
  return {
    features: { path: fileOf(x), rows, columns: features, dtype: 'float32' },
    outputs,
    targets,
    loss: 'bce',
    batch: 32,
    optimizer: { kind: 'adam', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
    groups: [
      {
        order,
        rowsPerEpoch: training,
        validationRows: Uint32Array.from({ length: rows - training }, (_, i) => training + i),
        standardize: false,
      },
    ],
    heads: Array.from(
      { length: heads },
      (_, seed): NativeHead => ({
        group: 0,
        seed,
        dropout: 0.5,
        weightDecay: 0,
        learningRates: new Float32Array(steps).fill(0.01),
      }),
    ),
    select: 'loss',
    threads: 2,
    ...changes,
  };
}
