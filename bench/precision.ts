import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RandomStream, STREAM } from '../src/base/random.js';
import { NO_AUGMENT } from '../src/engine/augment.js';
import { Network } from '../src/engine/network.js';
import { findStages } from '../src/model/stages.js';
import { densenet } from '../src/model/zoo/densenet.js';
import { rankScores } from '../src/stats/ranking.js';
import { auroc } from '../src/stats/roc.js';
import type { BenchLine, BenchOptions } from './bench.js';

const SIZE = 28;
const TRAINING = 1000;
const EPOCHS = 8;
const BATCH = 16;
const SEEDS = 8;
const DECODE = `
import sys, numpy
data = numpy.load(sys.argv[1])
for part in ("train", "val"):
    data[part + "_images"].tofile(f"{sys.argv[2]}/{part}.images")
    data[part + "_labels"].astype("uint8").tofile(f"{sys.argv[2]}/{part}.labels")
`;

/**
 * Does bf16 train to the same validation AUROC as fp32? PneumoniaMNIST (THAW_SHARED), 1,000 training images, a DenseNet-BC
 * of 22 layers from random weights, 8 seeds, the seeds' means: `ours` bf16, `peer` fp32; the spread of the differences by
 * seed is the second line, with the standard deviation of fp32 over seeds as `peer`.
 */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  const shared = process.env.THAW_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
  if (peerPython === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    execFileSync(peerPython, ['-c', DECODE, join(shared, 'data/medmnist/pneumoniamnist.npz'), folder]);
    const areas = { fp32: [] as number[], bf16: [] as number[] };
    for (let seed = 0; seed < SEEDS; seed++)
      for (const precision of ['fp32', 'bf16'] as const)
        areas[precision].push(await trained(folder, precision, seed));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length;
    const deviation = (values: readonly number[]) =>
      Math.sqrt(
        mean(values.map((value) => (value - mean(values)) ** 2)) * (values.length / (values.length - 1)),
      );
    const ours = mean(areas.bf16);
    const peer = mean(areas.fp32);
    yield { bench: 'precision', case: 'bf16 against fp32', ours, peer, ratio: ours / peer, unit: 'AUROC' };
    const differences = deviation(areas.bf16.map((area, seed) => area - areas.fp32[seed]!));
    const seeds = deviation(areas.fp32);
    const spread = { ours: differences, peer: seeds, ratio: differences / seeds };
    yield { bench: 'precision', case: 'deviation over seeds', ...spread, unit: 'AUROC' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Validation AUROC after the last epoch. */
async function trained(folder: string, precision: 'fp32' | 'bf16', seed: number): Promise<number> {
  const labels = await readFile(join(folder, 'train.labels'));
  const layout = {
    stem: 'cifar',
    stemChannels: 24,
    growth: 12,
    blocks: [3, 3, 3],
    compression: 0.5,
  } as const;
  const graph = densenet('small', layout, { channels: 1, size: SIZE, classes: 1, seed });
  const onImages = (part: string, rows: number) =>
    Network.create({
      graph,
      stages: findStages(graph),
      input: {
        kind: 'images',
        images: {
          images: { path: join(folder, `${part}.images`), rows, columns: SIZE * SIZE, dtype: 'uint8' },
          size: SIZE,
          channels: 1,
          outputChannels: 1,
          order: 'RGB',
          scale: 1 / 255,
          mean: Float32Array.of(0.5),
          std: Float32Array.of(0.25),
        },
        augment: { ...NO_AUGMENT, size: SIZE, crop: 'random', pad: 2, flip: 0.5 },
      },
      device: 'cpu',
      precision,
      threads: availableParallelism(),
      winograd: true,
      batch: BATCH,
      loss: 'bce',
      optimizer: { kind: 'adam', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
      normModes: [],
      weightDecay: 0,
      decayAll: false,
      clipNorm: 0,
      memory: 'lean',
      seed,
    });
  await using network = onImages('train', labels.length);
  const all = Uint32Array.from(labels, (_, row) => row);
  const chosen = new RandomStream(seed, STREAM.subset).shuffle(all).slice(0, TRAINING);
  const steps = Math.ceil(TRAINING / BATCH);
  const stages = network.stages.length;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    await network.train({
      order: new RandomStream(seed, STREAM.sampleOrder, epoch).shuffle(chosen.slice()),
      targets: Float32Array.from(labels),
      learningRates: new Float32Array(steps * stages).fill(2e-3 * (1 - epoch / EPOCHS)),
      trainedStages: new Uint32Array(steps).fill(2 ** stages - 1),
      epoch,
    });
  }
  const truth = await readFile(join(folder, 'val.labels'));
  await using validation = onImages('val', truth.length);
  for (const [name, values] of network.weights()) validation.load(name, values);
  const logits = await validation.infer(Uint32Array.from(truth, (_, row) => row));
  return auroc(rankScores(logits, truth)) ?? Number.NaN;
}
