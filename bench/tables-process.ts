import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { datasetFingerprint } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { CHEST_XRAY14_LABELS } from '../src/data/sources/chestxray14.js';
import { splitDataset, splitFingerprint } from '../src/data/split.js';
import { proportionalValidation, trainingSubsets } from '../src/data/subset.js';
import { buildTask, taskFingerprint } from '../src/data/task.js';
import { imageStoreId } from '../src/image/identity.js';
import { openImageStore } from '../src/image/store.js';
import type { TablesCase } from './tables.js';

/** Argument: a TablesCase. Prints the milliseconds of its steps. */
const { table, folder, store } = JSON.parse(process.argv[2]!) as TablesCase;
const steps: Record<string, number> = {};

async function timed<T>(step: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  steps[step] = performance.now() - start;
  return result;
}

const about = { image: 'image', patient: 'patient', age: 'age', sex: 'sex', view: 'view' };
const labels = table === 'joined' ? { column: 'findings', separator: '|' } : CHEST_XRAY14_LABELS;
const dataset = await timed('load', () =>
  loadDataset('bench', { kind: 'csv', root: folder, table: `${table}.csv`, columns: { ...about, labels } }),
);
const size = { sizes: [50, 1600, 100_000, 'all'], seed: 0, stratify: true } as const;
await timed('fingerprint of the data set', () => datasetFingerprint(dataset));
const rule = { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 0 } as const;
const exclude = new Set(Array.from({ length: 400 }, (_, at) => 1000 * at));
const split = await timed('split', () => splitDataset(dataset, rule, { allowLeakage: false, exclude }));
await timed('fingerprint of the split', () => splitFingerprint(split));
const task = await timed('task of 14 labels', () => buildTask(dataset, 'findings', { kind: 'multilabel' }));
await timed('fingerprint of the task', () => taskFingerprint(task));
const subsets = await timed('subsets, 14 labels, by image', () =>
  trainingSubsets(task, split, dataset, { ...size, unit: 'images' }),
);
await timed('subsets, 14 labels, by patient', () =>
  trainingSubsets(task, split, dataset, { ...size, sizes: [50, 1600, 'all'], unit: 'patients' }),
);
await timed('proportional validation', () =>
  proportionalValidation(task, split, dataset, subsets.get(1600)!, 0),
);
const binary = buildTask(dataset, 'mass', { kind: 'binary', positive: 'Mass' });
await timed('subsets, binary', () => trainingSubsets(binary, split, dataset, { ...size, unit: 'images' }));
await timed('opening the image store', () => openImageStore(store));
await timed('address of the images', () =>
  imageStoreId(dataset, { size: 224, geometry: 'fill', channels: 1 }),
);
steps.memory = process.resourceUsage().maxRSS / 1024;
await timed('csv-parse', async () => parse(await readFile(join(folder, `${table}.csv`), 'utf8')));
process.stdout.write(JSON.stringify(steps));
