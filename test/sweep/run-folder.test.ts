import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { expandTrials } from '../../src/sweep/expand.js';
import { LedgerWriter, pendingTrials, readLedger } from '../../src/sweep/ledger.js';
import { openRun, readRunConfig, runFolder } from '../../src/sweep/run-folder.js';
import { trialId } from '../../src/train/trial.js';
import { config } from './configs.js';
import { okRow } from './rows.js';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-run-'));
});
after(() => rm(root, { recursive: true, force: true }));

describe('a run folder', () => {
  it('is made with its parts and the resolved config', async () => {
    const folder = join(root, 'deep', 'first');
    const run = await openRun(folder, config('grid: { seed: 2 }'));
    assert.equal(run.resumed, false);
    assert.deepEqual((await readdir(folder)).sort(), ['ledger', 'predictions', 'sweep.json']);
    assert.deepEqual(await readRunConfig(folder), config('grid: { seed: 2 }'));
    assert.equal(runFolder(folder).csvFile, join(folder, 'trials.csv'));
  });

  it('keeps the newest config as sweep.json, earlier ones beside it, equal ones once', async () => {
    const folder = join(root, 'versions');
    const [first, second] = [config('grid: { seed: 2 }'), config('grid: { seed: 3 }')];
    await openRun(folder, first);
    assert.equal((await openRun(folder, first)).resumed, true);
    await openRun(folder, second);
    await openRun(folder, first);
    const names = (await readdir(folder)).filter((name) => name.startsWith('sweep'));
    assert.deepEqual(names.sort(), ['sweep.1.json', 'sweep.2.json', 'sweep.json']);
    const read = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8'));
    assert.deepEqual(
      [await read('sweep.1.json'), await read('sweep.2.json'), await read('sweep.json')],
      [first, second, first],
    );
  });

  it('resumes by trial id, also when the grid has changed', async () => {
    const folder = join(root, 'resume');
    const idsOf = (grid: string) => [...expandTrials(config(grid))].map(trialId);
    const run = await openRun(folder, config('grid: { seed: 2, lr: [0.1, 0.2] }'));
    const before = idsOf('grid: { seed: 2, lr: [0.1, 0.2] }');
    const ledger = await LedgerWriter.open(run.folder, 'a');
    await ledger.appendAll(before.map((id) => okRow(id)));
    await ledger.close();
    const grid = 'grid: { lr: [0.3, 0.2], seed: [1, 5] }';
    await openRun(folder, config(grid));
    const pending = new Set(pendingTrials(idsOf(grid), await readLedger(folder)));
    const left = [...expandTrials(config(grid))].filter((spec) => pending.has(trialId(spec)));
    assert.equal(left.length, 4 * 4 - 4);
    assert.ok(left.every(({ lr, seed }) => lr === 0.3 || seed === 5));
  });

  it('that is none, or whose sweep.json was damaged, is refused for reading and taken up for writing', async () => {
    await assert.rejects(readRunConfig(join(root, 'nothing')), { code: 'CONFIG', message: /no sweep\.json/ });
    const folder = join(root, 'damaged');
    await openRun(folder, config(''));
    await writeFile(join(folder, 'sweep.json'), '{ "name": ');
    await assert.rejects(readRunConfig(folder), { code: 'CONFIG', message: /sweep\.json.*expected JSON/ });
    await openRun(folder, config(''));
    assert.deepEqual(await readRunConfig(folder), config(''));
  });

  it('that cannot be made is an error with its path', async () => {
    await writeFile(join(root, 'file'), '');
    await assert.rejects(openRun(join(root, 'file', 'run'), config('')), { code: 'IO', message: /file.run/ });
  });
});
