import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { throwIfAborted, unlessAborted } from '../../src/base/abort.js';
import { type ClaimOwner, ClaimSeeker, withClaim } from '../../src/base/claim.js';
import { ThawError } from '../../src/base/errors.js';

async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-claim-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const FAST = { pollMilliseconds: 5, heartbeatMilliseconds: 10, staleMilliseconds: 200 };

test('claims of one folder are held one at a time and leave nothing behind', async (t) => {
  const folder = await temporaryFolder(t);
  const store = join(folder, 'store');
  let holders = 0;
  let most = 0;
  const work = async (value: number) => {
    most = Math.max(most, ++holders);
    await sleep(5);
    holders--;
    return value;
  };
  const values = [0, 1, 2, 3, 4, 5];
  assert.deepEqual(
    await Promise.all(values.map((value) => withClaim(store, () => work(value), FAST))),
    values,
  );
  assert.equal(most, 1);
  assert.deepEqual(await readdir(folder), []);
});

test('a claim is released when the work fails', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  const failure = new Error('broken');
  await assert.rejects(
    withClaim(store, () => Promise.reject(failure), FAST),
    failure,
  );
  assert.equal(await withClaim(store, async () => 1, FAST), 1);
});

test('a claim of a killed process is taken over at once, by one of several waiters at a time', async (t) => {
  const folder = await temporaryFolder(t);
  const store = join(folder, 'store');
  const module = fileURLToPath(new URL('../../src/base/claim.ts', import.meta.url));
  const script = `import { withClaim } from ${JSON.stringify(module)};
    await withClaim(${JSON.stringify(store)}, async () => { process.stdout.write('held'); await new Promise((r) => setTimeout(r, 60000)); });`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');

  const waitedFor: (ClaimOwner | undefined)[] = [];
  let holders = 0;
  const claims = [1, 2, 3].map(() =>
    withClaim(
      store,
      async () => {
        assert.equal(++holders, 1);
        await sleep(5);
        holders--;
      },
      { pollMilliseconds: 5, onWait: (owner) => waitedFor.push(owner) },
    ),
  );
  await sleep(100);
  assert.equal(holders, 0, 'a live owner is waited for');
  assert.deepEqual([...new Set(waitedFor.map((owner) => owner?.pid))], [child.pid]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await Promise.all(claims);
  assert.deepEqual(await readdir(folder), []);
});

test('a claim of another host, or a torn one, is taken over only when it gives no sign of life', async (t) => {
  const folder = await temporaryFolder(t);
  const store = join(folder, 'store');
  const elsewhere = { host: 'elsewhere', pid: 1, started: '1', token: 'theirs' };
  for (const content of [JSON.stringify(elsewhere), '{"host":']) {
    await writeFile(`${store}.claim`, content);
    const touching = setInterval(() => void writeFile(`${store}.claim`, content), 20);
    const begun = performance.now();
    let alive = true;
    setTimeout(() => {
      clearInterval(touching);
      alive = false;
    }, 400);
    await withClaim(store, async () => assert.equal(alive, false), FAST);
    assert.ok(performance.now() - begun > 550, 'silence is counted from the last sign of life');
  }
});

test('an owner that has lost its claim is told', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  const thief: ClaimOwner = { host: 'elsewhere', pid: 7, started: '', token: 'theirs' };
  const lost = withClaim(
    store,
    async (signal) => {
      await writeFile(`${store}.claim`, JSON.stringify(thief));
      await unlessAborted(new Promise(() => {}), signal, '');
    },
    FAST,
  );
  await assert.rejects(lost, { code: 'STORE', message: /taken over by process 7 on elsewhere/ });
  assert.deepEqual(
    JSON.parse(await readFile(`${store}.claim`, 'utf8')),
    thief,
    "another's claim is left alone",
  );
});

test('an owner whose claim was taken over and left again is told', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  const claim = new ClaimSeeker(store, FAST).seek();
  assert.ok(claim !== undefined);
  assert.ok(claim.isHeld());
  await rm(`${store}.claim`);
  assert.equal(claim.isHeld(), false);
  await once(claim.lost, 'abort');
  assert.match(String(claim.lost.reason), /taken over by another process/);
  claim.release();
});

test('who seeks a claim can do something else meanwhile', async (t) => {
  const folder = await temporaryFolder(t);
  const store = join(folder, 'store');
  const [first, second] = [new ClaimSeeker(store), new ClaimSeeker(store)];
  const claim = first.seek();
  assert.ok(claim !== undefined && !claim.lost.aborted);
  assert.equal(second.seek(), undefined);
  assert.equal(second.holder?.pid, process.pid);
  claim.release();
  const next = second.seek();
  assert.ok(next !== undefined);
  claim.release();
  assert.deepEqual(await readdir(folder), ['store.claim'], 'a second release takes no other claim away');
  next.release();
  assert.deepEqual(await readdir(folder), []);
  assert.throws(() => new ClaimSeeker(join(folder, 'gone', 'store')).seek(), { code: 'IO' });
});

test('the silence of another host is counted over the looks of one seeker', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  await writeFile(
    `${store}.claim`,
    JSON.stringify({ host: 'elsewhere', pid: 1, started: '', token: 'theirs' }),
  );
  const seeker = new ClaimSeeker(store, FAST);
  assert.equal(seeker.seek(), undefined);
  await sleep(100);
  assert.equal(seeker.seek(), undefined);
  await sleep(120);
  assert.equal(new ClaimSeeker(store, FAST).seek(), undefined, 'one that has just come knows nothing yet');
  const claim = seeker.seek();
  assert.ok(claim !== undefined);
  claim.release();
});

test('a claim whose writer was killed at it is taken over after some seconds, not minutes', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  await writeFile(`${store}.claim`, '');
  const begun = performance.now();
  await withClaim(store, async () => {}, { pollMilliseconds: 50 });
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(seconds >= 5 && seconds < 60, `${seconds} s`);
});

test('a dead claim is removed by whom no other is about to remove it, and never the one that follows it', async (t) => {
  const folder = await temporaryFolder(t);
  const store = join(folder, 'store');
  const { pid, host } = await ownerOf(folder);
  const dead = JSON.stringify({ host, pid, started: '1', token: 'dead' });
  await writeFile(`${store}.claim`, dead);
  const removing = new ClaimSeeker(`${store}.claim.dead`).seek();
  const seeker = new ClaimSeeker(store);
  assert.equal(seeker.seek(), undefined, 'another is about to remove it');
  await rm(`${store}.claim`);
  const younger = new ClaimSeeker(store).seek();
  removing?.release();
  assert.equal(seeker.seek(), undefined);
  younger?.release();
  await writeFile(`${store}.claim`, dead);
  await writeFile(`${store}.claim.dead.claim`, dead, { flag: 'wx' });
  seeker.seek()?.release();
  assert.deepEqual(await readdir(folder), [], 'one who was killed while removing is in nobody’s way');
});

/** Who this process is in its claims. */
async function ownerOf(folder: string): Promise<ClaimOwner> {
  const claim = new ClaimSeeker(join(folder, 'own')).seek();
  const owner = JSON.parse(await readFile(join(folder, 'own.claim'), 'utf8')) as ClaimOwner;
  claim?.release();
  return owner;
}

test('abort ends the wait, and the work through its signal', async (t) => {
  const store = join(await temporaryFolder(t), 'store');
  const stop = new AbortController();
  const options = { ...FAST, signal: stop.signal };
  let holding: Promise<void> | undefined;
  await new Promise<void>((held) => {
    holding = withClaim(
      store,
      (signal) => {
        held();
        return unlessAborted(new Promise<void>(() => {}), signal, 'Try again.');
      },
      options,
    );
  });
  const waiting = withClaim(store, async () => {}, options);
  setTimeout(() => stop.abort(), 30);
  await Promise.all([holding!, waiting].map((claim) => assert.rejects(claim, { code: 'ABORTED' })));
});

test('a folder that cannot be written is an IO error', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  await assert.rejects(
    withClaim(join(file, 'store'), async () => {}),
    { code: 'IO' },
  );
});

test('an aborted signal throws its own ThawError, else ABORTED with the hint', () => {
  throwIfAborted(undefined, '');
  throwIfAborted(new AbortController().signal, '');
  const own = new ThawError('IO', 'disk full.');
  assert.throws(() => throwIfAborted(AbortSignal.abort(own), ''), own);
  assert.throws(() => throwIfAborted(AbortSignal.abort(), 'Go on later.'), {
    code: 'ABORTED',
    message: /Go on later/,
  });
});
