import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { extractFeatures, featureKey } from '../../src/features/extract.js';
import { featureStoreFolder } from '../../src/features/store.js';
import { FeatureWriter } from '../../src/features/writer.js';
import { CountingProgress, golden, manyImages, temporaryFolder } from './golden.js';

const ROWS = 400;

test('a killed extraction goes on at the last journalled row and gives the same bytes', async (t) => {
  const folder = await temporaryFolder(t);
  const images = await manyImages(folder, ROWS);
  const progress = new CountingProgress();
  const options = golden('exact', folder, { images, dtype: 'float16', progress });
  const store = featureStoreFolder(featureKey(options), folder);
  const journalled = await killWhenJournalled(t, folder, `${store}.partial`);
  await assert.rejects(readFile(join(store, 'index.json')), 'a killed run leaves no store');
  await readFile(`${store}.claim`);

  const resumed = await extractFeatures(options);
  assert.deepEqual(progress.resumedAt, [journalled]);
  assert.equal(progress.advanced, ROWS - journalled, 'no journalled row is computed again');
  const undisturbed = await extractFeatures({ ...options, cache: join(folder, 'other') });
  assert.deepEqual(await readFile(resumed.dataPath), await readFile(undisturbed.dataPath));
  assert.ok(resumed.index.extractSeconds > 0);
});

/** Runs killed-extraction.ts until it has journalled 40 rows, kills it; resolves to the rows in its last journal. */
async function killWhenJournalled(t: TestContext, folder: string, partial: string): Promise<number> {
  const script = fileURLToPath(new URL('killed-extraction.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, folder, String(ROWS)], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const rows = async () => JSON.parse(await readFile(join(partial, 'journal.json'), 'utf8')).rows as number;
  while ((await rows().catch(() => 0)) < 40) {
    assert.equal(child.exitCode, null, 'the child ended by itself');
    await sleep(5);
  }
  child.kill('SIGKILL');
  await exited;
  const journalled = await rows();
  assert.ok(journalled < ROWS, `${journalled} of ${ROWS} rows`);
  return journalled;
}

const LAYOUT = { rows: 4, shape: [2], dtype: 'float32' } as const;

test('a partial store without journal, with a torn journal or of another size starts anew', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  const journal = { rows: 2, seconds: 1, provider: 'cpu', runtime: 'onnxruntime' } as const;
  const begin = async () => {
    const writer = await FeatureWriter.open(store, LAYOUT);
    const { resumed } = writer;
    await writer.journal(journal);
    await writer.close();
    return resumed;
  };
  assert.equal(await begin(), undefined);
  assert.deepEqual(await begin(), journal);
  await writeFile(`${store}.partial/journal.json`, '{"rows": 2, "sec');
  assert.equal(await begin(), undefined);
  await copyFile(`${store}.partial/journal.json`, `${store}.partial/data.bin`);
  assert.equal(await begin(), undefined);
  await rm(`${store}.partial/data.bin`);
  assert.equal(await begin(), undefined);
  await rm(`${store}.partial/journal.json`);
  assert.equal(await begin(), undefined);
});

test('rows that were extracted with another provider are noted', async (t) => {
  const folder = await temporaryFolder(t);
  const options = golden('exact', folder);
  const store = featureStoreFolder(featureKey(options), folder);
  const writer = await FeatureWriter.open(store, { rows: 10, shape: [4, 14, 14], dtype: 'float32' });
  await writer.journal({ rows: 4, seconds: 1, provider: 'cuda', runtime: 'onnxruntime' });
  await writer.close();
  const { index } = await extractFeatures(options);
  assert.equal(index.provider, 'cpu');
  assert.equal(index.providerNote, 'the first 4 rows were extracted with onnxruntime on cuda');
  assert.ok(index.extractSeconds > 1);
});
