import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readTrials, temporaryFolder, thaw } from '../e2e/thaw.js';

const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const config = `name: rates
data:
  drawn: { kind: phantom-chest, images: 80, patients: 50, size: 32, prevalence: { Effusion: 0.4 }, image: { size: 32 } }
tasks: { effusion: { kind: binary, positive: Effusion } }
sources: { squeezenet: { card: ${card} } }
training: { epochs: 1, batch: 8 }
grid: { strategy: [extractor, surgical:block2], policy: [constant, one-cycle], lr: [0.01, auto], n: [20, 30], seed: 2 }
`;

interface Output {
  readonly tests: readonly {
    readonly name: string;
    readonly rates: readonly number[];
    readonly suggestions: { readonly valley: number };
    readonly spec: { readonly strategy: string };
  }[];
}

test('lr-find draws and prints what `lr: auto` then takes, and records nothing', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'rates.yaml'), config);
  const cell = ['--filter', 'n=30 seed=1', '--cache', 'cache'];
  const found = await thaw(['lr-find', 'rates.yaml', ...cell, '--json'], folder);
  assert.equal(found.status, 0, found.stderr);
  const { tests } = JSON.parse(found.stdout) as Output;
  // Two policies and two rates of each strategy have one test in common.
  assert.deepEqual(
    tests.map(({ name }) => name),
    ['extractor', 'surgical:block2'],
  );
  const out = join(folder, 'runs', 'rates-lr-find');
  assert.deepEqual(JSON.parse(readFileSync(join(out, 'lr-find.json'), 'utf8')), JSON.parse(found.stdout));
  const lines = readFileSync(join(out, 'lr-find.csv'), 'utf8').trim().split('\n');
  assert.equal(lines[0], 'trial,step,lr,loss,smoothed');
  assert.equal(lines.length, 1 + tests.reduce((sum, { rates }) => sum + rates.length, 0));
  const svg = readFileSync(join(out, 'lr-find.svg'), 'utf8');
  for (const { name, suggestions } of tests)
    assert.ok(svg.includes(`${name}: ${suggestions.valley.toExponential(1)}`), name);
  assert.ok(!existsSync(join(folder, 'runs', 'rates')));

  const swept = await thaw(
    ['sweep', 'rates.yaml', '--filter', 'n=30 seed=1 policy=constant', '--cache', 'cache', '--out', 'run'],
    folder,
  );
  assert.equal(swept.status, 0, swept.stderr);
  const trials = readTrials(join(folder, 'run'));
  assert.equal(trials.length, 4);
  for (const { suggestions, spec } of tests) {
    const own = trials.filter(({ strategy }) => strategy === spec.strategy);
    const auto = own.filter(({ lr_requested: requested }) => requested === 'auto');
    assert.deepEqual(
      auto.map(({ lr }) => Number(lr)),
      [suggestions.valley],
    );
    assert.equal(own.filter(({ lr }) => Number(lr) === 0.01).length, 1);
  }

  const one = [
    '--filter',
    'n=30 seed=1 strategy=extractor',
    '--cache',
    'cache',
    '--out',
    'found',
    '--steps',
    '60',
  ];
  const { stdout, status } = await thaw(['lr-find', 'rates.yaml', ...one], folder);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^drawn · effusion · squeezenet · extractor · N = 30 · seed 1\n {2}valley +\d\.\de-\d/,
  );
  assert.match(
    stdout,
    /steepest descent +\d.*\n {2}minimum \/ 10 +\d.*\n {2}\d+ steps.*found\/lr-find\.svg\n$/s,
  );
  const refused = async (args: readonly string[], message: RegExp) => {
    const { status: code, stderr } = await thaw(['lr-find', 'rates.yaml', ...args], folder);
    assert.deepEqual([code, message.test(stderr)], [1, true], stderr);
  };
  await refused(['--set', 'grid.seed=9'], /--filter: expected at most 8 range tests, received 36/);
  await refused(
    ['--filter', 'n=30 seed=1', '--from', '1', '--to', '0.1'],
    /--from, --to: expected rates 0 < from < to/,
  );
});
