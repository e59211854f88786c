import assert from 'node:assert/strict';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { numbers, readTrials, startThaw, temporaryFolder, thaw, untilRows } from './thaw.js';

const preset = fileURLToPath(new URL('../../presets/quickstart.yaml', import.meta.url));
// Several units of about a second, so that a kill finds some of them done and some not.
const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const grid = [
  '--set',
  `sources.random={card: ${card}}`,
  '--set',
  'grid.source=random',
  '--set',
  'training.epochs=1500',
  '--set',
  'grid.lr=[0.001, 0.003, 0.01]',
  '--set',
  'grid.seed=2',
];

test('a sweep killed in the middle goes on to the same rows: none lost, none twice, the same numbers', async (t) => {
  const folder = temporaryFolder(t);
  const options = ['sweep', preset, ...grid, '--cache', 'cache', '--out'];
  const undisturbed = await thaw([...options, 'whole'], folder);
  assert.equal(undisturbed.status, 0, undisturbed.stderr);
  const run = join(folder, 'killed');
  const started = startThaw([...options, 'killed'], folder);
  await untilRows(run, started.finished);
  process.kill(-started.child.pid!, 'SIGKILL');
  assert.equal((await started.finished).signal, 'SIGKILL');
  const partial = JSON.parse((await thaw(['status', 'killed', '--json'], folder)).stdout);
  assert.ok(partial.done > 0 && partial.left > 0, JSON.stringify(partial));
  // What a power cut leaves: a row without its end.
  const [file] = readdirSync(join(run, 'ledger'));
  appendFileSync(join(run, 'ledger', file!), '{"trial":"0123');

  const resumed = await thaw([...options, 'killed'], folder);
  assert.equal(resumed.status, 0, resumed.stderr);
  assert.match(
    resumed.stderr,
    new RegExp(`${partial.left} trials done, 0 failed, ${partial.done} were done before`),
  );
  assert.deepEqual(readTrials(run).map(numbers), readTrials(join(folder, 'whole')).map(numbers));
});

test('Ctrl-C stops with what is recorded, says so, and the same command goes on', async (t) => {
  const folder = temporaryFolder(t);
  const options = ['sweep', preset, ...grid, '--cache', 'cache', '--out', 'run'];
  const started = startThaw(options, folder);
  await untilRows(join(folder, 'run'), started.finished);
  process.kill(-started.child.pid!, 'SIGINT');
  const stopped = await started.finished;
  assert.equal(stopped.status, 130, stopped.stderr);
  assert.match(stopped.stderr, /left\nRun the same command again to go on/);
  const { done, left } = JSON.parse((await thaw(['status', 'run', '--json'], folder)).stdout);
  const resumed = await thaw(options, folder);
  assert.match(resumed.stderr, new RegExp(`${left} trials done, 0 failed, ${done} were done before`));
});
