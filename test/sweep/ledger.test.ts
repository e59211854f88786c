import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ThawError } from '../../src/base/errors.js';
import {
  type LedgerRow,
  LedgerWriter,
  PredictionWriter,
  pendingTrials,
  readLedger,
  readTrialStates,
  uniqueWorkerName,
} from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { failedRow, okRow } from './rows.js';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-ledger-'));
});
after(() => rm(root, { recursive: true, force: true }));

async function newRun(): Promise<string> {
  return mkdtemp(join(root, 'run-'));
}

async function write(run: string, worker: string, rows: readonly LedgerRow[]): Promise<string> {
  const writer = await LedgerWriter.open(run, worker);
  await writer.appendAll(rows);
  await writer.close();
  return join(run, 'ledger', `${worker}.jsonl`);
}

describe('ledger', () => {
  it('gives back what was appended, from all workers', async () => {
    const run = await newRun();
    await write(run, 'a', [okRow('t1'), okRow('t2')]);
    await write(run, 'b', [failedRow('t3', 1)]);
    const ledger = await readLedger(run);
    assert.deepEqual(ledger.rows, [okRow('t1'), okRow('t2'), failedRow('t3', 1)]);
    assert.deepEqual([...ledger.byTrial.keys()], ['t1', 't2', 't3']);
    assert.deepEqual([ledger.tornLines, ledger.invalidLines, ledger.duplicates], [[], [], 0]);
  });

  it('is empty for a run that has no ledger yet', async () => {
    assert.deepEqual((await readLedger(await newRun())).rows, []);
  });

  it('keeps rows with line separators and other scripts in one line', async () => {
    const run = await newRun();
    const row = {
      ...failedRow('t1', 1),
      error: { code: 'DATA', message: 'a\nb\u2028c\u0085d Röntgen 胸部 🩻' },
    } as const;
    await write(run, 'a', [row]);
    assert.deepEqual((await readLedger(run)).rows, [row]);
  });

  it('ignores a torn last line and reports where it is', async () => {
    const run = await newRun();
    const file = await write(run, 'a', [okRow('t1')]);
    await appendFile(file, JSON.stringify(okRow('t2')).slice(0, -20));
    const ledger = await readLedger(run);
    assert.deepEqual([...ledger.byTrial.keys()], ['t1']);
    assert.deepEqual(ledger.tornLines, [{ file, line: 2 }]);
    assert.deepEqual(ledger.invalidLines, []);
  });

  it('takes a last line that lacks nothing but its newline', async () => {
    const run = await newRun();
    const file = await write(run, 'a', [okRow('t1')]);
    await appendFile(file, JSON.stringify(okRow('t2')));
    assert.deepEqual([...(await readLedger(run)).byTrial.keys()], ['t1', 't2']);
  });

  it('reports invalid lines in the middle with file and line, and reads on', async () => {
    const run = await newRun();
    const file = await write(run, 'a', [okRow('t1')]);
    await appendFile(
      file,
      `not json\n[]\n${JSON.stringify({ ...okRow('t2'), result: null })}\n\n${JSON.stringify(okRow('t3'))}\n`,
    );
    const ledger = await readLedger(run);
    assert.deepEqual([...ledger.byTrial.keys()], ['t1', 't3']);
    assert.deepEqual(
      ledger.invalidLines.map(({ file: path, line }) => [path, line]),
      [2, 3, 4].map((line) => [file, line]),
    );
    assert.match(ledger.invalidLines[2]!.reason, /status/);
  });

  it('counts duplicate ok rows; the first one wins', async () => {
    const run = await newRun();
    await write(run, 'a', [okRow('t1', { bestEpoch: 3 })]);
    await write(run, 'b', [okRow('t1', { bestEpoch: 9 }), okRow('t1', { bestEpoch: 9 })]);
    const ledger = await readLedger(run);
    assert.equal(ledger.duplicates, 2);
    assert.deepEqual(ledger.rows, [okRow('t1', { bestEpoch: 3 })]);
  });

  it('lets ok win over failures, and later failures over earlier ones, in any order of files', async () => {
    const run = await newRun();
    await write(run, 'a', [failedRow('t1', 2), failedRow('t2', 2), okRow('t3')]);
    await write(run, 'b', [okRow('t1'), failedRow('t2', 1), failedRow('t3', 5)]);
    const { byTrial } = await readLedger(run);
    assert.deepEqual(
      [...byTrial.values()].map(({ trial, status, attempt }) => [trial, status, attempt]),
      [
        ['t1', 'ok', 1],
        ['t2', 'failed', 2],
        ['t3', 'ok', 1],
      ],
    );
    const states = await readTrialStates(run);
    assert.deepEqual(states.byTrial.get('t2'), { status: 'failed', attempt: 2 });
  });

  it('says which trials are to run', async () => {
    const run = await newRun();
    await write(run, 'a', [okRow('done'), failedRow('broken', 1)]);
    const ledger = await readLedger(run);
    const ids = ['new', 'broken', 'done'];
    assert.deepEqual(pendingTrials(ids, ledger), ['new']);
    assert.deepEqual(pendingTrials(ids, ledger, { retryFailed: true }), ['new', 'broken']);
  });

  it('reads lines longer than one chunk of the file', async () => {
    const run = await newRun();
    const long = {
      ...failedRow('long', 1),
      error: { code: 'DATA', message: 'ü'.repeat(1_500_000) },
    } as const;
    await write(run, 'a', [okRow('t1'), long, okRow('t2')]);
    assert.deepEqual((await readLedger(run)).rows, [okRow('t1'), long, okRow('t2')]);
  });

  it('keeps the order of concurrent appends and needs no file of its own for them', async () => {
    const run = await newRun();
    const writer = await LedgerWriter.open(run, 'a');
    const ids = Array.from({ length: 200 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => writer.append(okRow(id))));
    await writer.close();
    assert.deepEqual([...(await readLedger(run)).byTrial.keys()], ids);
  });
});

describe('ledger writers', () => {
  it('refuse a name that another worker has', async () => {
    const run = await newRun();
    await write(run, 'a', []);
    await assert.rejects(LedgerWriter.open(run, 'a'), { code: 'IO', message: /another worker/ });
  });

  it('have names that differ by host, process and time, fit for file names', () => {
    assert.equal(uniqueWorkerName('gpu-1.site', 42, 36 ** 3), 'gpu-1_site-42-1000');
    assert.notEqual(uniqueWorkerName('h', 1, 5), uniqueWorkerName('h', 1, 6));
    assert.notEqual(uniqueWorkerName('h', 1, 5), uniqueWorkerName('h', 2, 5));
  });

  it('report a disk that takes no more, and leave no torn line behind', async () => {
    const run = await newRun();
    const writer = await LedgerWriter.open(run, 'a');
    await writer.append(okRow('t1'));
    const { handle, restore } = breakWrites(writer);
    await assert.rejects(writer.append(okRow('t2')), (error) => {
      assert.ok(error instanceof ThawError);
      assert.equal(error.code, 'IO');
      assert.match(error.message, /ENOSPC.*disk is full/);
      return true;
    });
    restore(handle);
    await writer.append(okRow('t3'));
    await writer.close();
    const ledger = await readLedger(run);
    assert.deepEqual([...ledger.byTrial.keys()], ['t1', 't3']);
    assert.deepEqual([ledger.tornLines, ledger.invalidLines], [[], []]);
  });

  it('lose no acknowledged row when killed with SIGKILL, and the next process is not disturbed', async () => {
    const run = await newRun();
    const script = fileURLToPath(new URL('./append-forever.ts', import.meta.url));
    for (const round of [0, 1, 2]) {
      const child = fork(script, [run, `w${round}`, `${round}`], { execArgv: ['--import', 'tsx'] });
      const acknowledged: string[] = [];
      child.on('message', (id) => {
        acknowledged.push(String(id));
        if (acknowledged.length === 40 + 17 * round) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const ledger = await readLedger(run);
      for (const id of acknowledged) assert.ok(ledger.byTrial.has(id), `${id} was acknowledged`);
      assert.deepEqual(ledger.invalidLines, []);
    }
    const file = await write(run, 'w9', [okRow('after')]);
    assert.equal((await readFile(file, 'utf8')).trim(), JSON.stringify(okRow('after')));
    assert.ok((await readLedger(run)).byTrial.has('after'));
  });
});

/** Makes the writer's file run out of space after half of the next write, as a full disk does. */
function breakWrites(writer: LedgerWriter) {
  type Handle = {
    write: (bytes: Uint8Array, offset: number, length: number, position: number) => Promise<unknown>;
  };
  const { handle } = (writer as unknown as { file: { handle: Handle } }).file;
  const write = handle.write.bind(handle);
  let calls = 0;
  handle.write = async (bytes, offset, length, position) => {
    if (calls++ === 0) return write(bytes, offset, Math.floor(length / 2), position);
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  const restore = (broken: Handle) => {
    broken.write = write;
  };
  return { handle, restore };
}

describe('predictions', () => {
  it('come back from where the ledger row says they lie', async () => {
    const run = await newRun();
    const writer = await PredictionWriter.open(run, 'a');
    // IEEE binary16: 1, -2, 65504 (largest), 2^-24 (smallest), 1/3 rounded, infinity.
    const first = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00);
    const second = Uint16Array.of(0x4248, 0xb800);
    const places = [first, second].map((values) => writer.append(new Uint8Array(values.buffer)));
    const [one, two] = await Promise.all(places);
    await writer.flush();
    await writer.close();
    assert.deepEqual(
      [one, two],
      [
        { file: 'predictions/a.bin', offset: 0 },
        { file: 'predictions/a.bin', offset: 12 },
      ],
    );
    assert.deepEqual(
      [...(await readPredictions(run, { ...one!, rows: 3, outputs: 2 }))],
      [1, -2, 65504, 2 ** -24, 0.333251953125, Number.POSITIVE_INFINITY],
    );
    assert.deepEqual([...(await readPredictions(run, { ...two!, rows: 1, outputs: 2 }))], [3.140625, -0.5]);
  });

  it('that were cut off are refused', async () => {
    const run = await newRun();
    const writer = await PredictionWriter.open(run, 'a');
    const place = await writer.append(new Uint8Array(4));
    await writer.close();
    await assert.rejects(readPredictions(run, { ...place, rows: 2, outputs: 2 }), {
      code: 'IO',
      message: /expected 8 bytes/,
    });
    await writeFile(join(run, 'predictions', 'a.bin'), '');
    await assert.rejects(readPredictions(run, { ...place, rows: 1, outputs: 1 }), { code: 'IO' });
    await assert.rejects(
      readPredictions(run, { ...place, file: 'predictions/none.bin', rows: 1, outputs: 1 }),
      { code: 'IO' },
    );
  });
});
