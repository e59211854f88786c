import { silent } from '../src/base/progress.js';
import type { Dataset, DatasetEntry } from '../src/data/dataset.js';
import { startIngest } from '../src/image/ingest.js';

/** What an ingest of drawn images took. */
export interface DrawnIngest {
  readonly seconds: number;
  /** Images that this process has decoded. */
  readonly decoded: number;
  /** Growth of the process's memory from before the ingest to its peak. */
  readonly grownMegabytes: number;
  /** What is kept of it in memory when nine tenths of the rows are written, after a collection (`--expose-gc`). */
  readonly keptMegabytes: number;
  readonly contentHash: string;
}

/**
 * A data set of `rows` images that cost nothing to decode: views of one piece of noise, which are already as they are stored.
 * All rows share one entry, so the data set itself takes 8 bytes a row.
 */
export function drawnDataset(rows: number, size: number): Dataset {
  const pixels = size * size;
  const noise = Uint8Array.from({ length: pixels + 4_093 }, (_, i) => (i * i * 31 + (i >> 3) * 7) & 255);
  const entry: DatasetEntry = { path: 'drawn', patient: 'drawn' };
  return {
    name: 'drawn',
    root: '/drawn',
    entries: new Array<DatasetEntry>(rows).fill(entry),
    labelNames: [],
    labels: new Float32Array(0),
    embedded: {
      identity: async () => `noise, ${rows} rows`,
      read: async (row) => {
        const offset = (row * 61) % 4_093;
        return { width: size, height: size, channels: 1, data: noise.subarray(offset, offset + pixels) };
      },
    },
    exclusive: false,
    missingImages: 0,
    patientsAssumed: true,
    notes: [],
  };
}

export async function ingestDrawn(rows: number, size: number, cache: string): Promise<DrawnIngest> {
  const dataset = drawnDataset(rows, size);
  const before = { rss: process.memoryUsage.rss() / 1e6, kept: keptMegabytes() };
  let kept = 0;
  const begun = performance.now();
  const layout = { size, geometry: 'fill', channels: 1 } as const;
  const run = await startIngest(dataset, layout, {
    cache,
    progress: silent,
    onRows: (complete) => {
      if (kept === 0 && complete >= 0.9 * rows) kept = keptMegabytes();
    },
  });
  const { index } = await run.done;
  return {
    seconds: (performance.now() - begun) / 1000,
    decoded: run.decoded,
    grownMegabytes: process.resourceUsage().maxRSS / 1e3 - before.rss,
    keptMegabytes: kept - before.kept,
    contentHash: index.contentHash,
  };
}

/** Of the heap and of buffers. */
function keptMegabytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** As a process of its own: rows, size, cache; prints JSON. */
if (process.argv[2] === 'ingest-drawn') {
  const [rows, size, cache = ''] = process.argv.slice(3);
  process.stdout.write(JSON.stringify(await ingestDrawn(Number(rows), Number(size), cache)));
}
