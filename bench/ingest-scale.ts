import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { imageStoreId } from '../src/image/identity.js';
import { shardsOf } from '../src/image/shards.js';
import type { BenchLine, BenchOptions } from './bench.js';
import { datasetOf } from './ingest.js';
import type { DrawnIngest } from './ingest-drawn.js';

/** As many as ChestX-ray14 has. */
const ROWS = Number(process.env.THAW_SCALE_ROWS) || 112_120;
const SIZE = Number(process.env.THAW_SCALE_SIZE) || 224;
/** Files in one folder, as one of the folders that ChestX-ray14 is published in has. */
const FOLDER_FILES = 10_000;
const DISTINCT_FILES = 200;
/** Small images, so that what is kept of each row shows. */
const SMALL = 8;
const FEW_ROWS = 100_000;
const MANY_ROWS = 1_000_000;

const script = fileURLToPath(new URL('./ingest-drawn.ts', import.meta.url));
const nodeArguments = ['--expose-gc', '--import', 'tsx', script, 'ingest-drawn'];

/**
 * The ingest of a whole ChestX-ray14, planned and simulated: how long it takes to address 112,120 files, to write their rows of
 * 224 × 224 when decoding costs nothing (what the program itself adds, and the disk), by one process and by several, and the
 * memory of a row. Needs 12 GB of disk; `THAW_SCALE_ROWS` and `THAW_SCALE_SIZE` change it.
 */
export async function* run(_options: BenchOptions): AsyncIterable<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-scale-'));
  try {
    yield await planTime(join(folder, 'files'));
    yield* await writing(folder);
    yield await memoryOfRow(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function planTime(folder: string): Promise<BenchLine> {
  const dataset = datasetOf(folder, ROWS);
  const paths = dataset.entries.map((_, i) => join(String(Math.floor(i / FOLDER_FILES)), `${i}.png`));
  for (let first = 0; first < ROWS; first += FOLDER_FILES)
    await mkdir(join(folder, String(first / FOLDER_FILES)), { recursive: true });
  for (const [i, path] of paths.entries()) {
    if (i < DISTINCT_FILES) await writeFile(join(folder, path), String(i));
    else await link(join(folder, paths[i % DISTINCT_FILES]!), join(folder, path));
  }
  const entries = paths.map((path, i) => ({ path, patient: String(i) }));
  const layout = { size: SIZE, geometry: 'fill', channels: 1 } as const;
  const begun = performance.now();
  const id = await imageStoreId({ ...dataset, entries }, layout);
  shardsOf({ id, layout, rows: ROWS });
  return line(`address of ${ROWS} files`, (performance.now() - begun) / 1000, 's');
}

async function* writing(folder: string): AsyncIterable<BenchLine> {
  const megabytes = (ROWS * SIZE * SIZE) / 1e6;
  for (const processes of [1, 2, 4]) {
    const cache = join(folder, `cache-${processes}`);
    const made = await Promise.all(Array.from({ length: processes }, () => drawnIngest(ROWS, SIZE, cache)));
    const decoded = made.reduce((sum, one) => sum + one.decoded, 0);
    if (decoded !== ROWS) throw new Error(`${decoded} of ${ROWS} rows were decoded`);
    if (new Set(made.map(({ contentHash }) => contentHash)).size !== 1) throw new Error('the stores differ');
    const seconds = Math.max(...made.map((one) => one.seconds));
    const name = `${ROWS} rows of ${SIZE}×${SIZE} that cost nothing to decode, ${processes === 1 ? 'one process' : `${processes} processes`}`;
    yield line(name, ROWS / seconds, 'images/s');
    yield line(`${name}, written`, megabytes / seconds, 'MB/s');
    yield line(`${name}, memory`, Math.max(...made.map((one) => one.grownMegabytes)), 'MB');
    await rm(cache, { recursive: true });
  }
}

async function memoryOfRow(folder: string): Promise<BenchLine> {
  const few = await drawnIngest(FEW_ROWS, SMALL, join(folder, 'few'));
  const many = await drawnIngest(MANY_ROWS, SMALL, join(folder, 'many'));
  const bytes = ((many.keptMegabytes - few.keptMegabytes) * 1e6) / (MANY_ROWS - FEW_ROWS);
  return line(`memory of a row, from ${FEW_ROWS} to ${MANY_ROWS} rows`, bytes, 'bytes');
}

async function drawnIngest(rows: number, size: number, cache: string): Promise<DrawnIngest> {
  const args = [...nodeArguments, String(rows), String(size), cache];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as DrawnIngest;
}

function line(name: string, ours: number, unit: string): BenchLine {
  return { bench: 'ingest-scale', case: name, ours, peer: null, ratio: null, unit };
}
