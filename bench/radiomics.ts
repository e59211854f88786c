import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { extractRadiomics, type RadiomicsImage } from '../src/radiomics/extract.js';
import type { Filter, RadiomicsOptions } from '../src/radiomics/options.js';
import type { BenchLine, BenchOptions } from './bench.js';

const ROUNDS = 15;
/** Images of ChestX-ray14. */
const IMAGES = 112120;

const FILTERS: readonly Filter[] = [
  { kind: 'original' },
  ...[1, 2, 3].map((sigma) => ({ kind: 'log', sigma }) as const),
  { kind: 'wavelet', wavelet: 'coif1' },
];
const ibsi: RadiomicsOptions = { features: 'ibsi' };
const filtered: RadiomicsOptions = { features: 'ibsi', filters: FILTERS };

/**
 * Milliseconds an image on one thread, the fastest of some rounds: all IBSI families at 32 grey levels, the same with three
 * Laplacians of Gaussian and one level of coif1 (eight images), and the paper's 79 features, those against scikit-image, both
 * sides taking turns. A real radiograph where there is one (THAW_SHARED). The last line is the hours that all of
 * ChestX-ray14 takes on one core.
 */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  const large = await radiograph();
  const half = await resized(large, 512);
  const line = (name: string, ours: number, peer: number | null = null): BenchLine => ({
    bench: 'radiomics',
    case: name,
    ours,
    peer,
    ratio: peer === null ? null : peer / ours,
    unit: 'ms an image',
  });
  yield line('IBSI 512', await fastest(half, ibsi));
  const eight = await fastest(half, filtered);
  yield line('IBSI 512, LoG × 3, coif1', eight);
  yield line('IBSI 1024', await fastest(large, ibsi));
  yield line('IBSI 1024, LoG × 3, coif1', await fastest(large, filtered));
  const paper: RadiomicsOptions = { features: 'paper79' };
  let ours = await fastest(large, paper);
  let peer: number | null = null;
  for await (const milliseconds of peerRounds(peerPython, large)) {
    peer = Math.min(peer ?? milliseconds, milliseconds);
    ours = Math.min(ours, await fastest(large, paper, 3));
  }
  yield line('paper79 1024', ours, peer);
  const hours = (ours * IMAGES) / 3.6e6;
  const peerHours = peer === null ? null : (peer * IMAGES) / 3.6e6;
  yield {
    bench: 'radiomics',
    case: `paper79 of ${IMAGES} images 1024, without decoding`,
    ours: hours,
    peer: peerHours,
    ratio: peerHours === null ? null : peerHours / hours,
    unit: 'hours on one core',
  };
}

async function fastest(image: RadiomicsImage, options: RadiomicsOptions, rounds = ROUNDS): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await extractRadiomics([image], options, { threads: 1 });
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** 1024 × 1024 real pixels, or a drawn pattern with noise. */
async function radiograph(): Promise<RadiomicsImage> {
  const shared = process.env.THAW_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
  const folder = join(shared, 'data/nih_full_size/images');
  const [file] = (await readdir(folder).catch(() => [] as string[])).filter((name) => name.endsWith('.png'));
  const size = 1024;
  if (file !== undefined) {
    const pixels = await sharp(join(folder, file)).extractChannel(0).resize(size, size).raw().toBuffer();
    return { pixels: new Uint8Array(pixels), width: size, height: size };
  }
  let state = 1;
  const pixels = Uint8Array.from({ length: size * size }, (_, index) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const x = index % size;
    const y = Math.floor(index / size);
    return 128 + 60 * Math.sin(x / 80) + 50 * Math.cos(y / 66) + ((state >> 16) % 16);
  });
  return { pixels, width: size, height: size };
}

async function resized(image: RadiomicsImage, size: number): Promise<RadiomicsImage> {
  const { width, height } = image;
  const pixels = await sharp(image.pixels as Uint8Array, { raw: { width, height, channels: 1 } })
    .resize(size, size)
    .extractChannel(0)
    .raw()
    .toBuffer();
  return { pixels: new Uint8Array(pixels), width: size, height: size };
}

/** Milliseconds of scikit-image, a few rounds; nothing where it is not installed. */
async function* peerRounds(python: string | undefined, image: RadiomicsImage): AsyncIterable<number> {
  if (python === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    const file = join(folder, 'image.raw');
    await writeFile(file, image.pixels as Uint8Array);
    const script = fileURLToPath(new URL('peers/radiomics.py', import.meta.url));
    const env = { ...process.env, OMP_NUM_THREADS: '1' };
    const child = spawn(python, ['-W', 'ignore', script, file], { stdio: ['pipe', 'pipe', 'inherit'], env });
    const ended = once(child, 'exit');
    child.stdin.on('error', () => {});
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (let turn = 0; turn < 3; turn++) {
      child.stdin.write('2\n');
      const { value, done } = await answers.next();
      if (done === true) break;
      yield* JSON.parse(value) as number[];
    }
    child.stdin.end();
    await ended;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
