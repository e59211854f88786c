import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Progress, silent } from '../../src/base/progress.js';
import type { ExtractOptions } from '../../src/features/extract.js';
import type { FeatureImages } from '../../src/features/images.js';
import type { ModelCard, ModelInput } from '../../src/model/card.js';

/** The networks, images and values that `golden/make.py` wrote. */
export const ROWS = 10;
export const BATCH = 4;
export const SHAPES = { small: [6, 3, 3], exact: [4, 14, 14] } as const;

export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`golden/${name}`, import.meta.url));
}

export async function goldenFloats(name: string): Promise<Float32Array> {
  const bytes = new Uint8Array(await readFile(goldenPath(name)));
  return new Float32Array(bytes.buffer);
}

const INPUTS: Record<'small' | 'exact', ModelInput> = {
  small: {
    size: 16,
    channels: 3,
    order: 'BGR',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  exact: { size: 16, channels: 3, order: 'RGB', scale: 1 / 256, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
};

export function card(network: 'small' | 'exact', input: Partial<ModelInput> = {}): ModelCard {
  return {
    name: network,
    pretraining: 'random',
    architecture: network,
    input: { ...INPUTS[network], ...input },
  };
}

/** An empty folder that is removed after the test. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-features-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const goldenImages: FeatureImages = {
  id: 'golden-images',
  dataPath: goldenPath('images.bin'),
  rows: ROWS,
  layout: { size: 16, geometry: 'fill', channels: 3 },
  quarantine: () => [],
};

/** Options that extract a golden network's features on one thread; `overrides` replace any of them. */
export function golden(
  network: 'small' | 'exact',
  cache: string,
  overrides: Partial<ExtractOptions> = {},
): ExtractOptions {
  return {
    images: goldenImages,
    model: { card: card(network), fingerprint: `fingerprint of ${network}` },
    prefix: { path: goldenPath(`${network}.onnx`), shape: SHAPES[network] },
    cut: 'features',
    view: 'identity',
    dtype: 'float32',
    cache,
    device: 'cpu',
    threads: 1,
    progress: silent,
    ...overrides,
  };
}

/** A store of `rows` images made by repeating the golden ones. */
export async function manyImages(folder: string, rows: number): Promise<FeatureImages> {
  const source = await readFile(goldenPath('images.bin'));
  const bytes = source.length / ROWS;
  const data = Buffer.concat(
    Array.from({ length: rows }, (_, row) =>
      source.subarray((row % ROWS) * bytes, ((row % ROWS) + 1) * bytes),
    ),
  );
  await mkdir(folder, { recursive: true });
  const dataPath = join(folder, 'many-images.bin');
  await writeFile(dataPath, data);
  return { ...goldenImages, id: `many-${rows}`, dataPath, rows };
}

/** The same images, of which one batch is decoded every `milliseconds`, counted from the first question. */
export function decodedSlowly(images: FeatureImages, milliseconds: number): FeatureImages {
  let begun: number | undefined;
  return {
    ...images,
    ready: async (rows) => {
      begun ??= performance.now();
      await sleep(begun + Math.ceil(rows / BATCH) * milliseconds - performance.now());
    },
  };
}

/** Counts what an extraction reports. */
export class CountingProgress implements Progress {
  readonly notes: string[] = [];
  /** Rows that were there when each task began. */
  readonly resumedAt: number[] = [];
  advanced = 0;

  start(_task: string, _total: number, _unit: string, done = 0) {
    this.resumedAt.push(done);
    return {
      advance: (rows: number) => {
        this.advanced += rows;
      },
      finish: () => {},
    };
  }

  note(message: string): void {
    this.notes.push(message);
  }
}

export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return actual.reduce(
    (worst, value, index) => Math.max(worst, Math.abs(value - (expected[index] as number))),
    0,
  );
}
