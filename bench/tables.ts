import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sha256 } from '../src/base/hash.js';
import { RandomStream, STREAM } from '../src/base/random.js';
import { CHEST_XRAY14_LABELS } from '../src/data/sources/chestxray14.js';
import type { ImageStoreIndex } from '../src/image/store.js';
import type { BenchLine, BenchOptions } from './bench.js';

const ROWS = 400_000;
const FOLDERS = 40;
const ROUNDS = 5;
const STORE = 'store';

/** A table of the folder that `writeFiles` fills, and what the process of one round reads. */
export interface TablesCase {
  readonly table: 'plain' | 'quoted' | 'joined';
  readonly folder: string;
  readonly store: string;
}

/** Wall milliseconds of each step, first of all in its process: no code is warm. */
export type Steps = Readonly<Record<string, number>>;

/**
 * What opening a data set of 400,000 images costs before the first pixel, in milliseconds, medians of processes that do it
 * once: reading the table with its label matrix (files looked up, in 40 folders), fingerprint, split, tasks, subsets, and
 * opening the image store. The peer of the tables is csv-parse alone on the same text, which gives no data set yet.
 */
export async function* run(_options: BenchOptions): AsyncIterable<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    const store = await writeFiles(folder);
    for (const table of ['plain', 'quoted', 'joined'] as const) {
      const rounds: Steps[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await once({ table, folder, store }));
      for (const step of Object.keys(rounds[0]!)) {
        if (step === 'csv-parse' || (table !== 'plain' && step !== 'load')) continue;
        const ours = median(rounds.map((steps) => steps[step]!));
        const peer = step === 'load' ? median(rounds.map((steps) => steps['csv-parse']!)) : null;
        const name = step === 'load' ? `${table} table` : step;
        const unit = step === 'memory' ? 'MB' : 'ms';
        yield {
          bench: 'tables',
          case: `${ROWS} rows: ${name}`,
          ours,
          peer,
          ratio: peer && peer / ours,
          unit,
        };
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function once(one: TablesCase): Promise<Steps> {
  const script = fileURLToPath(new URL('./tables-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    script,
    JSON.stringify(one),
  ]);
  return JSON.parse(stdout) as Steps;
}

/** Empty image files, an image store of as many rows, and three tables: returns the store's folder. */
async function writeFiles(folder: string): Promise<string> {
  const random = new RandomStream(1, STREAM.phantom);
  const lines = { plain: [] as string[], quoted: [] as string[], joined: [] as string[] };
  const labels = CHEST_XRAY14_LABELS;
  const columns = 'patient,age,sex,view,width,height';
  lines.plain.push(`image,${columns},${labels.join(',')}`);
  lines.quoted.push(lines.plain[0]!);
  lines.joined.push(`image,${columns},findings`);
  for (let row = 0; row < ROWS; row++) {
    const patient = Math.floor(row / 4);
    const path = `images_${String(row % FOLDERS).padStart(3, '0')}/${String(patient).padStart(8, '0')}_${row % 4}.png`;
    const about = [
      1 + random.integer(95),
      'MF'[random.integer(2)],
      ['PA', 'AP'][random.integer(2)],
      2500,
      2048,
    ];
    const found = labels.map(() => Number(random.integer(20) === 0));
    const names = labels.filter((_, label) => found[label] === 1).join('|') || 'No Finding';
    lines.plain.push([path, patient, ...about, ...found].join(','));
    lines.quoted.push([path, patient, ...about, ...found].map((cell) => `"${cell}"`).join(','));
    lines.joined.push([path, patient, ...about, names].join(','));
  }
  for (const [name, own] of Object.entries(lines))
    await writeFile(join(folder, `${name}.csv`), `${own.join('\n')}\n`);
  for (let first = 0; first < FOLDERS; first++) {
    await mkdir(join(folder, `images_${String(first).padStart(3, '0')}`));
  }
  for (let first = 1; first <= ROWS; first += 1000) {
    const part = lines.plain
      .slice(first, first + 1000)
      .map((line) => join(folder, line.slice(0, line.indexOf(','))));
    await Promise.all(part.map((path) => writeFile(path, '')));
  }
  return writeStore(folder);
}

/** 1×1 pixels: opening looks at index, digests and sizes, not at pixels. */
async function writeStore(folder: string): Promise<string> {
  const digests = new Uint8Array(16 * ROWS).fill(1);
  const index: ImageStoreIndex = {
    version: 1,
    id: STORE,
    layout: { size: 1, geometry: 'fill', channels: 1 },
    rows: ROWS,
    contentHash: sha256(digests),
    quarantine: Array.from({ length: 400 }, (_, at) => ({
      row: 1000 * at,
      path: `${at}.png`,
      reason: 'truncated',
    })),
    decodeSeconds: 1,
  };
  const store = join(folder, STORE);
  await mkdir(store);
  await writeFile(join(store, 'data.bin'), new Uint8Array(ROWS));
  await writeFile(join(store, 'digests.bin'), digests);
  await writeFile(join(store, 'index.json'), JSON.stringify(index));
  return store;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
