import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import type { Progress } from '../../src/base/progress.js';
import { drySweep, runSweep } from '../../src/execute/run-sweep.js';
import type { SweepConfig } from '../../src/sweep/config.js';
import { parseConfig } from '../../src/sweep/read-config.js';
import type { DataSummary } from '../../src/sweep/run-info.js';
import { cloud } from '../image/quality/pictures.js';
import { KeepingExecutor, optionsOf, randomCard, temporaryFolder } from './tiny-sweep.js';

const timeout = 60_000;
const SIZE = 32;
const parts = ['train', 'train', 'train', 'validation', 'test'];

/**
 * 20 images of 20 patients. Image 4 (test) is copied brighter to 5 (train), image 3 (validation) as it is to 6 (train), and 10
 * to 11 (both train).
 */
async function madeConfig(t: TestContext, settings = ''): Promise<SweepConfig> {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'images'));
  const images = Array.from({ length: 20 }, (_, row) => cloud(SIZE, row));
  images[5] = images[4]!.map((value) => Math.min(255, 30 + Math.round(0.75 * value)));
  images[6] = images[3]!;
  images[11] = images[10]!;
  for (const [row, pixels] of images.entries()) {
    const raw = { width: SIZE, height: SIZE, channels: 1 } as const;
    await sharp(pixels, { raw })
      .toColourspace('b-w')
      .png()
      .toFile(join(folder, 'images', `${row}.png`));
  }
  const lines = images.map((_, row) => `${row}.png,p${row},${parts[row % 5]},${row % 2}`);
  writeFileSync(join(folder, 'table.csv'), `image,patient,part,ill\n${lines.join('\n')}\n`);
  return parseConfig(
    `name: copies
out: run
cache: cache
data:
  own:
    kind: csv
    root: .
    table: table.csv
    images: { folder: images }
    columns: { image: image, patient: patient, split: part, labels: [ill] }
    image: { size: ${SIZE} }
    split: column
    ${settings}
tasks: { ill: { kind: binary, positive: ill } }
sources: { random: { card: ${randomCard} } }
training: { epochs: 1, batch: 4 }
grid: { n: [4] }
`,
    { file: join(folder, 'copies.yaml') },
  );
}

function summaryOf(config: SweepConfig): DataSummary {
  return JSON.parse(readFileSync(join(config.out, 'data.json'), 'utf8')).own as DataSummary;
}

const kindsOf = ({ quality }: DataSummary) =>
  quality!.issues.map(({ kind, severity, count }) => `${severity} ${kind} ${count}`);

test('copies across splits are refused before anything is trained, naming them', { timeout }, async (t) => {
  const config = await madeConfig(t);
  const executor = new KeepingExecutor();
  await assert.rejects(runSweep(config, executor, optionsOf(config)), {
    code: 'LEAKAGE',
    message:
      /2 images have copies in more than one split: images\/3\.png \(validation\) = images\/6\.png \(train\), images\/4\.png \(test\) = images\/5\.png \(train\)\./,
  });
  await assert.rejects(runSweep(config, executor, optionsOf(config)), /duplicates: drop.*thaw data check/s);
  assert.equal(executor.shard, undefined);
});

test('allowed copies are trained on, and the summary says so', { timeout }, async (t) => {
  for (const settings of ['allowLeakage: true', 'duplicates: allow']) {
    const config = await madeConfig(t, settings);
    const executor = new KeepingExecutor();
    await runSweep(config, executor, optionsOf(config));
    assert.deepEqual(executor.shard?.datasets.own?.dropped, []);
    const summary = summaryOf(config);
    assert.deepEqual(kindsOf(summary), [
      'warning duplicates-across-splits 2',
      'warning image-of-several-patients 3',
      'warning label-conflict 3',
      'note duplicates 1',
      'note not-checked 1',
    ]);
    assert.equal(summary.splits.train.images, 12);
  }
});

test('dropped copies are in no split, here and in the workers, and change what the trials are', {
  timeout,
}, async (t) => {
  const notes: string[] = [];
  const progress: Progress = {
    start: () => ({ advance: () => {}, finish: () => {} }),
    note: (message) => notes.push(message),
  };
  const config = await madeConfig(t, 'duplicates: drop');
  const executor = new KeepingExecutor();
  const before = await drySweep(config, optionsOf(config));
  assert.equal(before.pending, 1);
  await runSweep(config, executor, optionsOf(config, { progress }));
  assert.deepEqual(executor.shard?.datasets.own?.dropped, [5, 6]);
  assert.ok(
    notes.some((note) => /2 images of own are left out: copies/.test(note)),
    notes.join('\n'),
  );
  const summary = summaryOf(config);
  assert.deepEqual(
    [summary.splits.train.images, summary.splits.validation.images, summary.splits.test.images],
    [10, 4, 4],
  );
  assert.ok(kindsOf(summary).includes('note duplicates-dropped 2'));
  assert.ok(!kindsOf(summary).some((kind) => kind.includes('across-splits')));
  const table = readFileSync(join(config.out, 'splits', 'own.csv'), 'utf8').split('\n');
  assert.equal(table[1 + 5], '5,images/5.png,p5,');
  const after = await drySweep(config, optionsOf(config));
  assert.equal(
    after.units[0]!.trials[0]!.spec.dataFingerprint,
    executor.shard!.units[0]!.trials[0]!.dataFingerprint,
  );
});

test('what was found is kept with the image store: a second sweep does not look again', {
  timeout,
}, async (t) => {
  const config = await madeConfig(t, 'duplicates: allow');
  const tasks: string[] = [];
  const progress: Progress = {
    start: (task) => {
      tasks.push(task);
      return { advance: () => {}, finish: () => {} };
    },
    note: () => {},
  };
  await runSweep(config, new KeepingExecutor(), optionsOf(config, { progress }));
  await runSweep(config, new KeepingExecutor(), optionsOf(config, { progress }));
  assert.equal(tasks.filter((task) => task === 'quality').length, 1);
  const [store] = readdirSync(join(config.cache, 'images'));
  assert.ok(readdirSync(join(config.cache, 'images', store!)).includes('quality.json'));
});
