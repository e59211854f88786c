import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silent } from '../../src/base/progress.js';
import { extractFeatures } from '../../src/features/extract.js';
import { storedImages } from '../../src/features/images.js';
import type { Extractor } from '../../src/features/session.js';
import type { FeatureDtype, FeatureStore } from '../../src/features/store.js';
import { cutBeforeLastStage } from '../../src/model/cut.js';
import type { Graph } from '../../src/model/graph.js';
import { exportPrefix } from '../../src/model/prefix.js';
import type { LoadedModel } from '../../src/model/registry.js';
import { densenet } from '../../src/model/zoo/densenet.js';
import { networkDefaults } from '../../src/sweep/network-schema.js';
import type { NetworkTrialInputs } from '../../src/train/network-trials.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { inputsOf, type Made, numbers, spec } from './made-trials.js';

export const SIZE = 12;

/** A DenseNet of two blocks for grey images of 12 × 12 pixels: stages stem, block1, block2. */
export function tinyModel(
  changes: { readonly graph?: Graph; readonly fingerprint?: string } = {},
): LoadedModel {
  const layout = { stem: 'cifar', stemChannels: 16, growth: 12, blocks: [2, 2], compression: 0.5 } as const;
  const { graph = densenet('tiny', layout, { channels: 1, size: SIZE, seed: 5 }), fingerprint = 'tiny' } =
    changes;
  const input = {
    size: SIZE,
    channels: 1,
    order: 'RGB',
    scale: 1 / 255,
    mean: [0.4],
    std: [0.25],
  } as const;
  const card = { name: 'tiny', pretraining: 'none', architecture: 'tiny', input };
  return { card, graph, fingerprint, notes: [] };
}

/** One finding in every third image: its left upper quarter is brighter by `shift` grey levels on noise of ± 60. */
export function brightCorner(shift: number, changes: Partial<Made> = {}): Made {
  return {
    rows: 150,
    labelNames: ['finding'],
    labels: (row) => [Number((row * 7) % 3 === 0)],
    features: (row, [label]) => [row, (label ?? 0) * shift, 0, 0, 0, 0],
    rule: { kind: 'binary', positive: 'finding' },
    ...changes,
  };
}

/** What a worker opens for trials of networks: the images of `made` in a store, a model, activations where they are asked for. */
export async function networkInputs(
  test: TestContext,
  made: Made,
  options: { readonly model?: LoadedModel; readonly features?: FeatureDtype } = {},
): Promise<NetworkTrialInputs> {
  const { features: _, ...inputs } = inputsOf(test, made);
  const { model = tinyModel() } = options;
  const { folder } = inputs.images;
  const dataPath = join(folder, 'images.bin');
  const pixels = Buffer.alloc(made.rows * SIZE * SIZE);
  const next = numbers(5);
  for (let row = 0; row < made.rows; row++) {
    const [, shift = 0] = made.features(row, made.labels(row));
    for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
      const inCorner = pixel % SIZE < SIZE / 2 && pixel < (SIZE * SIZE) / 2;
      pixels[row * SIZE * SIZE + pixel] = 60 + 120 * next() + (inCorner ? shift : 0);
    }
  }
  writeFileSync(dataPath, pixels);
  const layout = { size: SIZE, geometry: 'fill', channels: 1 } as const;
  const images = { ...inputs.images, dataPath, index: { ...inputs.images.index, layout } };
  if (options.features === undefined) return { ...inputs, images, model };
  const opened = { ...inputs, images, model };
  const features = await activationsAt(opened, cutBeforeLastStage(model.graph).name, options.features);
  return { ...opened, features };
}

/** The stored activations of all images at a cut; made anew whenever they are asked for. */
export async function activationsAt(
  { images, model }: NetworkTrialInputs,
  cut: string,
  dtype: FeatureDtype = 'float32',
  extractor: Extractor = 'onnxruntime',
): Promise<FeatureStore> {
  const cacheFolder = mkdtempSync(join(images.folder, `${cut}-`));
  const prefix = await exportPrefix(model, cut, { size: SIZE, batch: 8, cacheFolder });
  return extractFeatures({
    images: storedImages(images),
    model,
    prefix,
    cut,
    view: 'identity',
    dtype,
    cache: cacheFolder,
    device: 'cpu',
    extractor,
    threads: 1,
    progress: silent,
  });
}

export const network = networkDefaults;

export const fullSpec: TrialSpec = {
  ...spec,
  strategy: 'full',
  cut: 'none',
  featureScaling: 'none',
  lr: 0.01,
  epochs: 6,
  network,
};
export const lastBlockSpec: TrialSpec = { ...fullSpec, strategy: 'last-block', cut: 'block1' };
