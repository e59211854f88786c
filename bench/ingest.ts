import { execFile } from 'node:child_process';
import { link, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { silent } from '../src/base/progress.js';
import { RandomStream, STREAM } from '../src/base/random.js';
import type { Dataset } from '../src/data/dataset.js';
import { ingest } from '../src/image/ingest.js';
import type { BenchLine, BenchOptions } from './bench.js';

const DISTINCT_IMAGES = 200;
const PIXELS = 1024;
/** Enough that what an ingest costs once (listing, flushing, renaming) counts as little as in a real one. */
const ROUND_IMAGES = 600;
const ROUNDS = 5;
const MANY_IMAGES = 20_000;
const LAYOUT = { size: 224, geometry: 'fill', channels: 1 } as const;
/** As many images in work as `ingest` has, so that the peer's threads never wait either. */
const LANES = 8 * (Number(process.env.UV_THREADPOOL_SIZE) || 4);

/**
 * Ingest of 1024×1024 PNGs of the size of ChestX-ray14's: images a second against what sharp alone decodes and resizes on
 * the same threads (at least 0.95), and the peak memory of an ingest of many images.
 */
export async function* run(_options: BenchOptions): AsyncIterable<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    await writeImages(folder);
    yield await againstSharp(folder);
    yield await peakMemory(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first `images` files of `writeImages`. */
export function datasetOf(root: string, images: number): Dataset {
  return {
    name: 'bench',
    root,
    entries: Array.from({ length: images }, (_, i) => ({ path: `${i}.png`, patient: String(i) })),
    labelNames: [],
    labels: new Float32Array(0),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: true,
    notes: [],
  };
}

/**
 * `0.png` … : distinct images of a gradient and some 3 bits of noise a pixel, about 400 KB each, and hard links to them, so
 * that many rows need little disk.
 */
async function writeImages(folder: string): Promise<void> {
  const random = new RandomStream(1, STREAM.phantom);
  const noise = Uint8Array.from({ length: PIXELS * PIXELS + DISTINCT_IMAGES * 101 }, () => random.integer(8));
  for (let i = 0; i < DISTINCT_IMAGES; i++) {
    const pixels = new Uint8Array(PIXELS * PIXELS);
    for (let p = 0; p < pixels.length; p++) {
      pixels[p] = 20 + ((p % PIXELS) + (p >> 10)) / 10 + (noise[p + i * 101] as number);
    }
    const raw = { width: PIXELS, height: PIXELS, channels: 1 } as const;
    await sharp(pixels, { raw })
      .toColourspace('b-w')
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  for (let i = DISTINCT_IMAGES; i < MANY_IMAGES; i++) {
    await link(join(folder, `${i % DISTINCT_IMAGES}.png`), join(folder, `${i}.png`));
  }
}

async function againstSharp(folder: string): Promise<BenchLine> {
  const dataset = datasetOf(folder, ROUND_IMAGES);
  const rates = { ours: [] as number[], peer: [] as number[] };
  const sides = {
    ours: async (round: number) => {
      await ingest(dataset, LAYOUT, { cache: join(folder, `cache-${round}`), progress: silent });
    },
    peer: () => decodeAll(dataset.entries.map(({ path }) => join(folder, path))),
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
    for (const side of order) {
      const start = performance.now();
      await sides[side](round);
      // The first round warms up file cache and code.
      if (round > 0) rates[side].push((ROUND_IMAGES / (performance.now() - start)) * 1000);
    }
  }
  const ours = median(rates.ours);
  const peer = median(rates.peer);
  return {
    bench: 'ingest',
    case: `${ROUND_IMAGES} PNGs of ${PIXELS}×${PIXELS} to ${LAYOUT.size}×${LAYOUT.size}, against sharp alone`,
    ours,
    peer,
    ratio: ours / peer,
    unit: 'images/s',
  };
}

/** What sharp does with its defaults and the same resampling, the pixels thrown away. */
async function decodeAll(paths: readonly string[]): Promise<void> {
  const queue = paths.values();
  const lane = async () => {
    for (const path of queue) {
      await sharp(path).resize(LAYOUT.size, LAYOUT.size, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Of a process of its own. */
async function peakMemory(folder: string): Promise<BenchLine> {
  const script = fileURLToPath(new URL('./ingest-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--import', 'tsx', script],
    ...[folder, String(MANY_IMAGES), String(LAYOUT.size), join(folder, 'cache-many')],
  ]);
  return {
    bench: 'ingest',
    case: `peak memory of ${MANY_IMAGES} such images`,
    ours: Number(stdout),
    peer: null,
    ratio: null,
    unit: 'MB',
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
