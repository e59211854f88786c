import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runSweep } from '../../src/execute/run-sweep.js';
import type { Shard } from '../../src/execute/shard.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { startThaw, thaw } from '../e2e/thaw.js';
import { KeepingExecutor, optionsOf, temporaryFolder, tinyConfig } from './tiny-sweep.js';

/** A shard of a tiny sweep with its stores, as a file. */
async function shardFile(
  t: TestContext,
  epochs: number,
  change: (shard: Shard) => Shard = (shard) => shard,
): Promise<{ folder: string; file: string; shard: Shard }> {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder, { epochs });
  const executor = new KeepingExecutor();
  await runSweep(config, executor, optionsOf(config));
  const shard = change(executor.shard!);
  const file = join(folder, 'shard.json');
  writeFileSync(file, JSON.stringify(shard));
  return { folder, file, shard };
}

/** Processor seconds that a process has used, or undefined once it has ended (Linux). */
function processorSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return fields[0] === 'Z' ? undefined : (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

test('a worker without a parent runs its whole shard and records it', { timeout: 60_000 }, async (t) => {
  const { file, shard, folder } = await shardFile(t, 3);
  const { status, stderr } = await thaw(['worker', file], folder);
  assert.equal(status, 0, stderr);
  const ledger = await readLedger(shard.run);
  assert.equal(ledger.rows.length, 4);
  for (const row of ledger.rows) {
    assert.ok(row.status === 'ok');
    const { predictions } = row.result;
    const bytes = statSync(join(shard.run, predictions.file)).size;
    // float16: two bytes a logit.
    assert.ok(predictions.offset + 2 * predictions.rows * predictions.outputs <= bytes);
  }
});

test('a unit that cannot run is recorded as failed, and the worker goes on', {
  timeout: 60_000,
}, async (t) => {
  const { file, shard, folder } = await shardFile(t, 3, (whole) => ({
    ...whole,
    units: whole.units.map((unit, index) => (index === 0 ? { ...unit, featureStore: '/nowhere' } : unit)),
  }));
  const { status, stderr } = await thaw(['worker', file], folder);
  assert.equal(status, 1);
  assert.match(stderr, /nowhere.*cannot read/);
  const { rows } = await readLedger(shard.run);
  assert.equal(rows.length, 4);
  const failed = rows.filter((row) => row.status === 'failed');
  assert.equal(failed.length, shard.units[0]!.trials.length);
  assert.ok(failed.every((row) => row.error.code === 'IO' && /nowhere/.test(row.error.message)));
});

test('a worker that is asked to stop exits with 75 and records nothing of its unit', {
  timeout: 60_000,
}, async (t) => {
  const { file, shard, folder } = await shardFile(t, 300_000);
  const { child, finished } = startThaw(['worker', file], folder);
  while (!readdirSync(join(shard.run, 'ledger')).some((name) => name.includes(`-${child.pid}-`)))
    await sleep(20);
  await sleep(300);
  child.kill('SIGTERM');
  const { status, stderr } = await finished;
  assert.equal(status, 75, stderr);
  assert.equal((await readLedger(shard.run)).rows.length, 0);
});

test('a worker whose parent is killed ends by itself', {
  timeout: 60_000,
  skip: process.platform !== 'linux' && 'looks into /proc',
}, async (t) => {
  const { file, folder } = await shardFile(t, 300_000);
  const cli = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
  const parent = join(folder, 'parent.cjs');
  writeFileSync(
    parent,
    `const child = require('node:child_process').fork(${JSON.stringify(cli)}, ['worker', ${JSON.stringify(file)}]);
child.on('message', ({ type }) => {
  if (type !== 'ready') return;
  child.send({ type: 'run', index: 0, attempt: 1 });
  console.log(child.pid);
});`,
  );
  const started = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = Number(await new Promise((resolve) => started.stdout.once('data', resolve)));
  const before = processorSeconds(pid)!;
  while ((processorSeconds(pid) ?? Number.POSITIVE_INFINITY) < before + 0.2) await sleep(50);
  assert.ok(processorSeconds(pid) !== undefined, 'it trains');
  started.kill('SIGKILL');
  const deadline = performance.now() + 5000;
  while (processorSeconds(pid) !== undefined && performance.now() < deadline) await sleep(50);
  const orphan = processorSeconds(pid) !== undefined;
  if (orphan) process.kill(pid, 'SIGKILL');
  assert.equal(orphan, false);
});

test('what is no shard is refused in one sentence', async (t) => {
  const folder = temporaryFolder(t);
  for (const text of ['{"version":1,', 'null', '{"version":2,"units":[]}']) {
    writeFileSync(join(folder, 'shard.json'), text);
    const { status, stderr } = await thaw(['worker', 'shard.json'], folder);
    assert.equal(status, 1);
    assert.match(stderr, /^thaw: .*shard\.json: expected a shard file of this version of thaw\.\n$/);
  }
  const missing = await thaw(['worker', 'nowhere.json'], folder);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /nowhere\.json: cannot read \(ENOENT\)/);
});
