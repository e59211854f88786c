import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silent } from '../../src/base/progress.js';
import { loadDataset } from '../../src/data/load.js';
import { buildTask } from '../../src/data/task.js';
import { exportTrial } from '../../src/execute/export-trial.js';
import { splitOf } from '../../src/execute/open.js';
import { runSweep } from '../../src/execute/run-sweep.js';
import { findImageStore } from '../../src/image/ingest.js';
import type { SweepConfig } from '../../src/sweep/config.js';
import { type OkRow, readLedger } from '../../src/sweep/ledger.js';
import { rowsOf } from '../../src/train/trial-rows.js';
import { InProcessExecutor } from './in-process.js';
import { optionsOf, temporaryFolder } from './tiny-sweep.js';

export const SIZE = 32;
export const DENSE = "architecture: 'densenet-bc(10, 8, 0.5)', randomSeed: 1";
export const GREY = { channels: 1, scale: 0.004, mean: [0.5], std: [0.25] };
export const COLOURS = {
  channels: 3,
  order: 'BGR',
  scale: 0.00392156862745098,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.25, 0.3],
};

export interface Input {
  readonly channels: number;
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export function source(name: string, network: string, input: Input): string {
  return `  ${name}: { pretraining: none, ${network}, license: CC0, input: ${JSON.stringify({ size: SIZE, ...input })} }`;
}

export const exportOptions = { force: false, device: 'cpu', extractor: 'auto', progress: silent } as const;

/** Trains the trials of a config; rows by strategy. */
export async function train(config: SweepConfig): Promise<Map<string, OkRow>> {
  const outcome = await runSweep(config, new InProcessExecutor(), optionsOf(config));
  const { rows } = await readLedger(config.out);
  assert.equal(outcome.failed, 0, JSON.stringify(rows.filter(({ status }) => status === 'failed')));
  return new Map(rows.map((row) => [row.spec.strategy, row as OkRow]));
}

/** The test images of a config's one data set, in the order of the predictions. */
export async function testSet(config: SweepConfig, task: string) {
  const data = config.data.drawn!;
  const dataset = await loadDataset('drawn', data.source);
  const images = (await findImageStore(dataset, data.image, config.cache))!;
  const built = buildTask(dataset, task, config.tasks[task]!.rule);
  const rows = rowsOf(built, splitOf({ dataset, config: data }, images).test);
  const all = readFileSync(images.dataPath);
  const pixels = [...rows].map((row) => all.subarray(row * SIZE * SIZE, (row + 1) * SIZE * SIZE));
  const targets = Float32Array.from(
    [...rows].flatMap((row) => [
      ...built.targets.subarray(row * built.outputNames.length, (row + 1) * built.outputNames.length),
    ]),
  );
  return { pixels, targets, task: built };
}

/** [N, channels, side, side] written down anew: (pixel · scale − mean) / std of the central pixels, grey in every channel. */
export function normalised(
  pixels: readonly Uint8Array[],
  input: Input,
  side: number,
  mirrored = false,
): Float32Array {
  const corner = (SIZE - side) / 2;
  const values: number[] = [];
  for (const image of pixels)
    for (let channel = 0; channel < input.channels; channel++)
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const column = mirrored ? side - 1 - x : x;
          const pixel = image[(y + corner) * SIZE + column + corner]!;
          values.push((pixel * input.scale - input.mean[channel]!) / input.std[channel]!);
        }
  return Float32Array.from(values);
}

export async function exported(t: TestContext, config: SweepConfig, row: OkRow, name: string) {
  const out = join(temporaryFolder(t), name);
  const signal = new AbortController().signal;
  return { out, ...(await exportTrial(config.out, row, { ...exportOptions, out, signal })) };
}
