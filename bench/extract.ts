import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { silent } from '../src/base/progress.js';
import { RandomStream, STREAM } from '../src/base/random.js';
import { extractFeatures } from '../src/features/extract.js';
import type { FeatureImages } from '../src/features/images.js';
import type { ModelCard } from '../src/model/card.js';
import { type ExportedPrefix, exportPrefix } from '../src/model/prefix.js';
import { type LoadedModel, loadModel } from '../src/model/registry.js';
import { JsonProcess, peerScript } from './json-process.js';

export interface BenchResult {
  readonly bench: 'extract';
  readonly case: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly unit: string;
}

interface ExtractCase {
  readonly net: 'densenet121' | 'resnet50';
  readonly size: number;
  readonly batch: number;
  readonly count: number;
}

const NETS = ['densenet121', 'resnet50'] as const;
const CASES: readonly ExtractCase[] = [
  ...NETS.map((net) => ({ net, size: 224, batch: 16, count: 160 })),
  ...NETS.map((net) => ({ net, size: 64, batch: 64, count: 1280 })),
];
const ROUNDS = 5;
const THREADS = availableParallelism();

/**
 * Features of random-weight networks at the pooled cut, images a second: extraction with the default extractor from an image
 * store (assembly, normalising, checking and writing included) against onnxruntime alone on preloaded tensors with the same session options
 * (at least 0.92) and against PyTorch's fp32 channels-last forward pass on the same threads (at least 1.3). No side's time
 * includes opening the network. The sides take turns within a round; medians over the rounds. Needs the Python peer, which
 * also writes the networks.
 */
export async function* run({ peerPython }: { peerPython: string | undefined }): AsyncIterable<BenchResult> {
  if (peerPython === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  const peer = new JsonProcess(peerPython, [peerScript('extract.py')]);
  try {
    for (const extracted of CASES) yield* compare(extracted, folder, peer);
  } finally {
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function* compare(
  extracted: ExtractCase,
  folder: string,
  peer: JsonProcess,
): AsyncIterable<BenchResult> {
  const { net, size, batch, count } = extracted;
  const name = `${net}-${size}`;
  const images = await writeImages(folder, size, count);
  const path = join(folder, `${name}.onnx`);
  await peer.ask({ do: 'export', net, path, batch, size });
  const model = await loadModel(cardOf(net, size), { folder });
  const prefix = await exportPrefix(model, 'pooled', { size, batch, cacheFolder: folder });
  const sides = {
    ours: (round: number) => extractionRate(model, prefix, { ...images, id: `${name}-${round}` }, folder),
    onnxruntime: () => onnxruntimeRate(path, extracted),
    pytorch: async () => {
      const question = { do: 'forward', net, images: count, batch, size, threads: THREADS };
      return count / (await peer.ask<{ seconds: number }>(question)).seconds;
    },
  };
  const names = ['ours', 'onnxruntime', 'pytorch'] as const;
  const rates = { ours: [] as number[], onnxruntime: [] as number[], pytorch: [] as number[] };
  for (let round = 0; round < ROUNDS; round++)
    for (const side of round % 2 === 0 ? names : names.toReversed())
      rates[side].push(await sides[side](round));
  const ours = median(rates.ours);
  for (const side of ['onnxruntime', 'pytorch'] as const) {
    const rate = median(rates[side]);
    yield {
      bench: 'extract',
      case: `${name} vs ${side}`,
      ours,
      peer: rate,
      ratio: ours / rate,
      unit: 'images/s',
    };
  }
}

function cardOf(net: string, size: number): ModelCard {
  return {
    name: net,
    pretraining: 'random',
    architecture: net,
    file: `${net}-${size}.onnx`,
    input: {
      size,
      channels: 3,
      order: 'RGB',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
  };
}

async function extractionRate(
  model: LoadedModel,
  prefix: ExportedPrefix,
  images: FeatureImages,
  cache: string,
): Promise<number> {
  const store = await extractFeatures({
    images,
    model,
    prefix,
    cut: 'pooled',
    view: 'identity',
    dtype: 'float32',
    cache,
    device: 'cpu',
    threads: THREADS,
    progress: silent,
  });
  return store.index.imagesPerSecond;
}

/** onnxruntime alone: the session options of src/features/session.ts, its own output buffers, nothing else to do. */
async function onnxruntimeRate(path: string, { size, batch, count }: ExtractCase): Promise<number> {
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableMemPattern: true,
    enableCpuMemArena: true,
    extra: { session: { intra_op: { allow_spinning: '1' } } },
  });
  const random = new RandomStream(1, STREAM.phantom);
  const batches = Array.from({ length: 2 }, () => {
    const pixels = Float32Array.from({ length: batch * 3 * size * size }, () => 4 * random.uniform() - 2);
    return new Tensor('float32', pixels, [batch, 3, size, size]);
  });
  const begun = performance.now();
  for (let turn = 0; turn < count / batch; turn++) await session.run({ image: batches[turn % 2] as Tensor });
  const seconds = (performance.now() - begun) / 1000;
  await session.release();
  return count / seconds;
}

/** A grey image store of noise. */
async function writeImages(folder: string, size: number, rows: number): Promise<FeatureImages> {
  const random = new RandomStream(2, STREAM.phantom);
  const dataPath = join(folder, `images-${size}.bin`);
  await writeFile(
    dataPath,
    Uint8Array.from({ length: rows * size * size }, () => random.integer(256)),
  );
  const layout = { size, geometry: 'fill', channels: 1 } as const;
  return { id: 'bench', dataPath, rows, layout, quarantine: () => [] };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
