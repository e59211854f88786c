import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../src/base/progress.js';
import { type DataSource, loadDataset } from '../src/data/load.js';
import { ingest } from '../src/image/ingest.js';
import type { BenchLine, BenchOptions } from './bench.js';

const IMAGES = 1000;
const SIZE = 128;
const ROUNDS = 3;

const shared = { images: IMAGES, size: SIZE, patients: IMAGES / 2 } as const;
const sources = {
  'phantom-chest': (seed) => ({ kind: 'phantom-chest', ...shared, seed, prevalence: 'nih' }),
  'phantom-limb, knee': (seed) => ({ kind: 'phantom-limb', ...shared, seed, part: 'knee', prevalence: {} }),
  'phantom-limb, hand': (seed) => ({ kind: 'phantom-limb', ...shared, seed, part: 'hand', prevalence: {} }),
  textures: (seed) => ({ kind: 'textures', images: IMAGES, size: SIZE, seed, classes: 64 }),
} satisfies Record<string, (seed: number) => DataSource>;

/** Simulated images: seconds for 1,000 of 128×128, from their settings to a finished image store (at most 5). */
export async function* run(_options: BenchOptions): AsyncIterable<BenchLine> {
  for (const [kind, source] of Object.entries(sources)) {
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) seconds.push(await secondsFor(source(round)));
    yield {
      bench: 'phantom',
      case: `${IMAGES} images of ${SIZE}×${SIZE}: ${kind}`,
      ours: seconds.toSorted((a, b) => a - b)[ROUNDS >> 1] as number,
      peer: null,
      ratio: null,
      unit: 's',
    };
  }
}

async function secondsFor(source: DataSource): Promise<number> {
  const cache = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    const start = performance.now();
    const dataset = await loadDataset('phantom', source);
    await ingest(dataset, { size: SIZE, geometry: 'fill', channels: 1 }, { cache, progress: silent });
    return (performance.now() - start) / 1000;
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
