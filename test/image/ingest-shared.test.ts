import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { openImageStore } from '../../src/image/store.js';
import { temporaryFolder } from './fixtures.js';
import { pixelsOf, runJob, type WorkerJob, type WorkerResult } from './ingest-worker.js';

const script = fileURLToPath(new URL('./ingest-worker.ts', import.meta.url));
const nodeArguments = ['--import', 'tsx'];
/** Six shards of 512 rows, the last one shorter; two blocks of 256 rows a shard. */
const JOB = { rows: 2_700, size: 8, brokenEvery: 700, delay: 6 } as const;

/** Processes that are started before they are needed: a start takes longer than a round. */
class Pool {
  private readonly idle: Promise<ChildProcess>[] = [];
  private readonly all = new Set<ChildProcess>();

  constructor(spares: number) {
    for (let i = 0; i < spares; i++) this.start();
  }

  /** Processes that are ready for a job. */
  take(processes: number): Promise<ChildProcess[]> {
    return Promise.all(Array.from({ length: processes }, () => this.idle.shift() ?? this.begin()));
  }

  /** A process that has done its job and was not killed. */
  giveBack(child: ChildProcess): void {
    if (child.killed) this.start();
    else this.idle.push(Promise.resolve(child));
  }

  close(): void {
    for (const child of this.all) child.kill('SIGKILL');
  }

  private start(): void {
    this.idle.push(this.begin());
  }

  private async begin(): Promise<ChildProcess> {
    const child = fork(script, ['worker'], { execArgv: nodeArguments });
    this.all.add(child);
    child.once('exit', () => this.all.delete(child));
    await once(child, 'message');
    return child;
  }
}

/** Has a process do a job; undefined when it is killed. */
function resultOf(child: ChildProcess, job: WorkerJob): Promise<WorkerResult | undefined> {
  const gone = once(child, 'exit').then(() => undefined);
  child.send(job);
  return Promise.race([once(child, 'message').then(([message]) => message as WorkerResult), gone]);
}

let shared: Pool | undefined;
after(() => shared?.close());
function pool(): Pool {
  shared ??= new Pool(4);
  return shared;
}

/** A store of `JOB` holds what was drawn, and nothing is left beside it. */
async function checkStore(cache: string, contentHash: string | undefined): Promise<string> {
  const [id = '', ...others] = await readdir(join(cache, 'images'));
  assert.deepEqual(others, []);
  const store = await openImageStore(join(cache, 'images', id));
  assert.deepEqual((await readdir(store.folder)).toSorted(), ['data.bin', 'digests.bin', 'index.json']);
  assert.equal(store.index.contentHash, contentHash);
  assert.deepEqual(
    store.index.quarantine.map(({ row, path, reason }) => [row, path, reason]),
    [0, 700, 1400, 2100].map((row) => [row, String(row), `row ${row} is broken.`]),
  );
  const rowBytes = JOB.size ** 2;
  const data = await readFile(store.dataPath);
  assert.equal(data.byteLength, JOB.rows * rowBytes);
  for (let row = 0; row < JOB.rows; row++) {
    const expected = row % JOB.brokenEvery === 0 ? new Uint8Array(rowBytes) : pixelsOf(row, JOB.size);
    assert.ok(data.subarray(row * rowBytes, (row + 1) * rowBytes).equals(expected), `row ${row}`);
  }
  return store.index.contentHash;
}

const sorted = (rows: readonly number[]) => rows.toSorted((a, b) => a - b);
const allRows = Array.from({ length: JOB.rows }, (_, row) => row);

test('four processes share a store: each row is decoded once, all shards are at work, rows come from the front', async (t) => {
  const cache = await temporaryFolder(t);
  const children = await pool().take(4);
  const results = await Promise.all(children.map((child) => resultOf(child, { ...JOB, cache })));
  for (const child of children) pool().giveBack(child);
  assert.deepEqual(sorted(results.flatMap((result) => result?.decoded ?? [])), allRows);
  const hash = await checkStore(cache, results[0]?.contentHash);
  for (const result of results) {
    assert.equal(result?.error, undefined);
    assert.equal(result?.contentHash, hash);
    if (result !== undefined && result.decoded.length > 0) assert.equal(result.shown, JOB.rows);
  }
  const helping = results.filter((result) =>
    result?.notes.some((note) => /^Sharing the images with process/.test(note)),
  );
  t.diagnostic(`decoded ${results.map((result) => result?.decoded.length)}, helping ${helping.length}`);
  assert.ok(helping.length >= 1, 'not one process alone');
  for (const result of results) {
    const shards = (result?.decoded ?? []).map((row) => Math.floor(row / 512));
    assert.deepEqual(shards, sorted(shards), 'a process takes shards in order');
  }
  const alone = await temporaryFolder(t);
  assert.equal(
    (await runJob({ ...JOB, cache: alone })).contentHash,
    hash,
    'the bytes are those of one process',
  );
});

test('whatever is killed when, the store is the same', { timeout: 300_000 }, async (t) => {
  const random = new RandomStream(7, STREAM.phantom);
  const counts = { killed: 0, decoded: 0, rounds: 10 };
  for (let round = 0; round < counts.rounds; round++) {
    const cache = await temporaryFolder(t);
    const job = { ...JOB, cache };
    const processes = 2 + random.integer(2);
    const children = await pool().take(processes);
    const running = children.map((child) => resultOf(child, job));
    // In every third round all of them.
    const victims = round % 3 === 0 ? children : children.slice(0, 1 + random.integer(processes - 1));
    const kill = async (child: ChildProcess, milliseconds: number) => {
      await sleep(milliseconds);
      child.kill('SIGKILL');
    };
    await Promise.all(victims.map((child) => kill(child, random.integer(200))));
    const results = await Promise.all(running);
    for (const child of children) pool().giveBack(child);
    counts.killed += results.filter((result) => result === undefined).length;
    const last = await runJob(job);
    for (const result of [...results, last]) {
      counts.decoded += result?.decoded.length ?? 0;
      assert.equal(result?.error, undefined, `round ${round}`);
    }
    await checkStore(cache, last.contentHash);
  }
  t.diagnostic(`${counts.killed} processes killed in ${counts.rounds} rounds`);
  assert.ok(counts.killed >= counts.rounds, 'the kills came in time');
});

test('two hosts share a store; the shards of one that falls silent are taken over', {
  skip: cannotBeOtherHost(),
}, async (t) => {
  const cache = await temporaryFolder(t);
  const job = { ...JOB, cache, staleMilliseconds: 2_000 };
  const there = await otherHost(t);
  const [here] = (await pool().take(1)) as [ChildProcess];
  const [first, second] = await Promise.all([resultOf(there, job), resultOf(here, job)]);
  pool().giveBack(here);
  assert.equal(first?.contentHash, second?.contentHash);
  assert.deepEqual(sorted([...(first?.decoded ?? []), ...(second?.decoded ?? [])]), allRows);
  await checkStore(cache, first?.contentHash);
  t.diagnostic(`${first?.decoded.length} rows there, ${second?.decoded.length} here`);
  const helper = [first, second].find((result) =>
    result?.notes.some((note) => note.startsWith('Sharing the images with')),
  );
  assert.equal(helper?.readyEarly, 0, 'rows that another host writes are read when the store is complete');

  const again = await temporaryFolder(t);
  const killed = resultOf(there, { ...job, cache: again });
  await sleep(100);
  there.kill('SIGKILL');
  assert.equal(await killed, undefined);
  const before = performance.now();
  const taken = await runJob({ ...job, cache: again });
  assert.ok(performance.now() - before >= 1_900, 'its silence is waited for');
  assert.match(taken.notes.join(), /(Waiting for|with) process \d+ on another-host/);
  await checkStore(again, taken.contentHash);
});

test('a process that stood still for too long notices, and the store is right', {
  skip: cannotBeOtherHost(),
}, async (t) => {
  const cache = await temporaryFolder(t);
  const job = { ...JOB, cache, staleMilliseconds: 600 };
  const frozen = await otherHost(t);
  const late = resultOf(frozen, { ...job, delay: 20 });
  await sleep(150);
  frozen.kill('SIGSTOP');
  const taken = await runJob(job);
  frozen.kill('SIGCONT');
  const thawed = await late;
  assert.equal(thawed?.error, undefined);
  assert.equal(thawed?.contentHash, taken.contentHash);
  assert.match(thawed?.notes.join() ?? '', /stood still for so long/);
  await checkStore(cache, taken.contentHash);

  const again = await temporaryFolder(t);
  const maker = runJob({ ...job, cache: again, delay: 40 });
  await sleep(50);
  const helping = resultOf(frozen, { ...job, cache: again, delay: 20 });
  await sleep(100);
  frozen.kill('SIGSTOP');
  await sleep(900);
  frozen.kill('SIGCONT');
  const [made, helped] = await Promise.all([maker, helping]);
  assert.equal(helped?.error, undefined);
  assert.equal(helped?.contentHash, made.contentHash);
  await checkStore(again, made.contentHash);
});

/** A process that has another host name, ready for a job. */
async function otherHost(t: TestContext): Promise<ChildProcess> {
  const command = 'hostname another-host && exec "$0" "$@"';
  const child = spawn(
    'unshare',
    ['--uts', 'sh', '-c', command, process.execPath, ...nodeArguments, script, 'worker'],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

function cannotBeOtherHost(): string | false {
  try {
    execFileSync('unshare', ['--uts', 'hostname', 'another-host'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'a process with another host name needs root on Linux';
  }
}
