import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silent } from '../../src/base/progress.js';
import { LocalExecutor } from '../../src/execute/local.js';
import { drySweep, runSweep } from '../../src/execute/run-sweep.js';
import { probeProviders } from '../../src/features/open-session.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { readPlanned } from '../../src/sweep/planned.js';
import { parseConfig } from '../../src/sweep/read-config.js';
import { optionsOf, randomCard, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const script = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
const executor = new LocalExecutor({ workers: 1, script });
const timeout = 60_000;

/** A source whose file is not the one that its hash says. */
function brokenSource(folder: string): string {
  writeFileSync(join(folder, 'model.onnx'), 'another file');
  return `  broken: { pretraining: none, architecture: x, file: model.onnx, sha256: '${'0'.repeat(64)}', input: { size: 32, channels: 1, scale: 1, mean: [0], std: [1] } }`;
}

test('trials of a broken source are failed rows with the reason, the others are trained', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const sources = `  random: { card: ${randomCard} }\n${brokenSource(folder)}`;
  const config = tinyConfig(folder, { sources });
  const outcome = await runSweep(config, executor, optionsOf(config));
  assert.deepEqual(outcome, { trials: 8, doneBefore: 0, ok: 4, failed: 4, left: 0 });
  const { rows } = await readLedger(config.out);
  for (const row of rows) {
    assert.equal(row.status, row.spec.source === 'broken' ? 'failed' : 'ok');
    if (row.status === 'failed')
      assert.match(row.error.message, /source broken:.*model\.onnx.*SHA-256 0{64}/);
  }
  assert.equal(rows.length, 8);
  assert.deepEqual(
    [...(await readPlanned(config.out))!.ids].sort(),
    rows.map(({ trial }) => trial).sort(),
    'the plan holds the failed ones too',
  );
});

test('a sweep whose only source is broken throws what is wrong before anything is made', async (t) => {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder, { sources: brokenSource(folder) });
  await assert.rejects(runSweep(config, executor, optionsOf(config)), {
    code: 'MODEL',
    message: /source broken:.*SHA-256/,
  });
  assert.equal(existsSync(config.out), false);
});

test('leaking patients are refused before an image is decoded', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'images'));
  const names = Array.from({ length: 12 }, (_, index) => `${index}.png`);
  // No images at all: decoding them would be another error.
  for (const name of names) writeFileSync(join(folder, 'images', name), '');
  const parts = ['train', 'validation', 'test'];
  const lines = names.map((name, index) => `${name},p${index % 5},${parts[index % 3]},${index % 2}`);
  writeFileSync(join(folder, 'table.csv'), `image,patient,part,ill\n${lines.join('\n')}\n`);
  const config = parseConfig(
    `name: leak
out: run
cache: cache
data:
  own:
    kind: csv
    root: .
    table: table.csv
    images: { folder: images }
    columns: { image: image, patient: patient, split: part, labels: [ill] }
    split: column
tasks: { ill: { kind: binary, positive: ill } }
sources: { random: { card: ${randomCard} } }
`,
    { file: join(folder, 'leak.yaml') },
  );
  await assert.rejects(runSweep(config, executor, optionsOf(config)), { code: 'LEAKAGE', message: /p0/ });
  await assert.rejects(drySweep(config, optionsOf(config)), { code: 'LEAKAGE' });
  assert.deepEqual([existsSync(config.cache), existsSync(config.out)], [false, false]);
});

test('dry run, a part, the rest, another split: done trials are known by what they were trained on', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder);
  const before = await drySweep(config, optionsOf(config));
  assert.deepEqual([before.trials, before.done, before.pending], [4, 0, 4]);
  assert.deepEqual(
    before.stores.map(({ cached, images }) => [cached, images]),
    [[false, 60]],
  );
  assert.equal(existsSync(config.out), false);

  const part = await runSweep(config, executor, optionsOf(config, { filter: 'task=effusion' }));
  assert.deepEqual(part, { trials: 2, doneBefore: 0, ok: 2, failed: 0, left: 0 });
  const planned = (await readPlanned(config.out))!.ids;
  assert.equal(new Set(planned).size, 4, 'the plan is of the whole config');
  assert.ok((await readLedger(config.out)).rows.every(({ spec }) => spec.task === 'effusion'));

  const middle = await drySweep(config, optionsOf(config));
  assert.deepEqual([middle.trials, middle.done, middle.pending], [4, 2, 2]);
  assert.deepEqual(
    middle.stores.map(({ cached }) => cached),
    [true],
  );

  const whole = await runSweep(config, executor, optionsOf(config));
  assert.deepEqual(whole, { trials: 4, doneBefore: 2, ok: 2, failed: 0, left: 0 });
  assert.deepEqual((await drySweep(config, optionsOf(config))).pending, 0);
  const old = new Set((await readLedger(config.out)).byTrial.keys());
  assert.deepEqual(old, new Set(planned));

  const other = tinyConfig(folder, { split: '{ kind: random, seed: 1 }' });
  const again = await runSweep(other, executor, optionsOf(other));
  assert.deepEqual(again, { trials: 4, doneBefore: 0, ok: 4, failed: 0, left: 0 });
  const now = (await readPlanned(other.out))!.ids;
  assert.ok(now.length === 4 && now.every((id) => !old.has(id)));
  assert.equal((await readLedger(other.out)).rows.length, 8, 'old rows are kept');
  assert.ok(readdirSync(other.out).includes('sweep.1.json'));
});

test('a run on device auto without a GPU says so once, whatever number of stores it makes; rows tell the device', {
  timeout,
  skip: probeProviders().cuda.available ? 'CUDA is installed on this machine' : false,
}, async (t) => {
  const other =
    '{ pretraining: random, architecture: squeezenet1_1, randomSeed: 2, input: { size: 32, channels: 1, scale: 1, mean: [0], std: [1] } }';
  const sources = `  first: { card: ${randomCard} }\n  second: ${other}`;
  const config = tinyConfig(temporaryFolder(t), { sources });
  const notes: string[] = [];
  const progress = { ...silent, note: (message: string) => notes.push(message) };
  const options = {
    ...optionsOf(config, { filter: 'task=effusion n=10', progress }),
    device: 'auto',
  } as const;
  await runSweep(config, executor, options);
  const warnings = notes.filter((note) => /on the CPU/.test(note));
  assert.equal(warnings.length, 1, notes.join('\n'));
  assert.match(warnings[0]!, /^warning: features are extracted on the CPU, because /);
  assert.equal(readdirSync(join(config.cache, 'features')).length, 2);
  const { rows } = await readLedger(config.out);
  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.equal(row.status, 'ok', row.status === 'failed' ? row.error.message : '');
    assert.equal(row.status === 'ok' && row.result.device, 'cpu');
  }
});
