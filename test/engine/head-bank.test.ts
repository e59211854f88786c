import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ThawError } from '../../src/base/errors.js';
import type { NativeHeadBankOptions } from '../../src/engine/addon.js';
import { HeadBank } from '../../src/engine/head-bank.js';
import { type BankSize, bankOptions } from './bank.js';

const small: BankSize = { rows: 80, features: 20, outputs: 2, heads: 4, epochs: 6 };
/** Some seconds of work when it is not stopped. */
const large: BankSize = { rows: 2000, features: 512, outputs: 14, heads: 64, epochs: 100 };

const code = (expected: string) => (error: unknown) => error instanceof ThawError && error.code === expected;

/** Creation must fail with ENGINE and this message. */
function refuses(changes: Record<string, unknown>, message: RegExp): void {
  const options = { ...bankOptions(small), ...changes } as NativeHeadBankOptions;
  assert.throws(
    () => HeadBank.create(options),
    (error: unknown) => {
      assert.ok(error instanceof ThawError);
      assert.equal(error.code, 'ENGINE');
      assert.match(error.message, message);
      return true;
    },
  );
}

test('heads learn, validation is better than chance and results have the stated shapes', async () => {
  const bank = HeadBank.create(bankOptions({ ...small, rows: 600 }));
  const result = await bank.train(6);
  assert.equal(result.epochs, 6);
  assert.equal(result.trainLoss.length, 24);
  assert.ok((result.trainLoss[5] as number) < (result.trainLoss[0] as number));
  assert.ok((result.validationAuroc[5] as number) > 0.7);
  assert.deepEqual([...result.failedStep], [-1, -1, -1, -1]);
  assert.ok(result.trainSeconds.every((seconds) => seconds > 0));
  assert.equal((await bank.infer(Uint32Array.of(1, 2, 3), 'best')).length, 4 * 3 * 2);
  bank.dispose();
});

test('a bank restored from a snapshot goes on bit for bit', async () => {
  const options = bankOptions(small);
  const whole = HeadBank.create(options);
  const expected = await whole.train(6);
  const first = HeadBank.create(options);
  await first.train(2);
  const state = first.snapshot();
  const second = HeadBank.create(options);
  second.restore(state);
  const rest = await second.train(4);
  const rows = Uint32Array.from({ length: 80 }, (_, i) => i);
  assert.deepEqual(await second.infer(rows, 'last'), await whole.infer(rows, 'last'));
  assert.deepEqual(await second.infer(rows, 'best'), await whole.infer(rows, 'best'));
  assert.deepEqual(rest.trainLoss.subarray(0, 4), expected.trainLoss.subarray(2, 6));
  assert.deepEqual(rest.bestEpoch, expected.bestEpoch);
  assert.throws(() => second.restore(state.subarray(8)), code('ENGINE'));
  for (const bank of [whole, first, second]) bank.dispose();
});

test('the best snapshot follows the selection', async () => {
  for (const select of ['loss', 'auroc'] as const) {
    const bank = HeadBank.create(bankOptions({ ...small, epochs: 30 }, { select }));
    const { validationLoss, validationAuroc, bestEpoch } = await bank.train(30);
    for (let head = 0; head < 4; head++) {
      const of = (values: Float64Array) => [...values.subarray(head * 30, (head + 1) * 30)];
      const best = select === 'loss' ? Math.min(...of(validationLoss)) : Math.max(...of(validationAuroc));
      const values = select === 'loss' ? of(validationLoss) : of(validationAuroc);
      assert.equal(bestEpoch[head], values.indexOf(best));
    }
    bank.dispose();
  }
});

test('one call at a time: everything else throws BUSY at once', async () => {
  const bank = HeadBank.create(bankOptions({ ...large, epochs: 2 }));
  const training = bank.train(2);
  assert.throws(() => bank.train(1), code('BUSY'));
  assert.throws(() => bank.infer(Uint32Array.of(0), 'last'), code('BUSY'));
  assert.throws(() => bank.weights(0, 'last'), code('BUSY'));
  assert.throws(() => bank.snapshot(), code('BUSY'));
  assert.throws(() => bank.dispose(), code('BUSY'));
  await training;
  bank.weights(0, 'last');
  bank.dispose();
});

test('a signal stops training between steps; the bank then goes on from a snapshot', async () => {
  const bank = HeadBank.create(bankOptions(large));
  const state = bank.snapshot();
  const controller = new AbortController();
  const started = performance.now();
  const training = bank.train(100, { signal: controller.signal });
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(training, code('ABORTED'));
  assert.ok(performance.now() - started < 1500, 'stopped long before the end');
  assert.throws(() => bank.weights(0, 'last'), /restore a snapshot first/);
  bank.restore(state);
  bank.weights(0, 'last');
  await assert.rejects(bank.train(1, { signal: AbortSignal.abort() }), code('ABORTED'));
  const reason = new ThawError('RUNTIME', 'time is up.');
  await assert.rejects(bank.train(1, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const rows = new Uint32Array(2000);
  await assert.rejects(bank.infer(rows, 'last', { signal: AbortSignal.abort() }), code('ABORTED'));
  bank.dispose();
});

test('the event loop turns while a bank trains', async () => {
  const bank = HeadBank.create(bankOptions({ ...large, epochs: 3 }));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await bank.train(3);
  clearInterval(timer);
  assert.ok(turns > 5, `${turns} turns`);
  bank.dispose();
});

test('a worker thread that is terminated in the middle of a training stops it', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { HeadBank } = require(workerData.addon);
    new HeadBank(workerData.options).train(100, new Int32Array(1)).catch(() => {});
    parentPort.postMessage('training');
  `;
  const addon = fileURLToPath(new URL('../../build/Release/thaw.node', import.meta.url));
  const worker = new Worker(code, { eval: true, workerData: { addon, options: bankOptions(large) } });
  await once(worker, 'message');
  const started = performance.now();
  await worker.terminate();
  assert.ok(performance.now() - started < 1500, 'stopped long before the end');
});

test('dispose may be called again, any other call then says so', () => {
  const bank = HeadBank.create(bankOptions(small));
  bank.dispose();
  bank.dispose();
  assert.throws(() => bank.snapshot(), /this head bank has been disposed/);
  assert.throws(() => bank.train(1), /this head bank has been disposed/);
});

test('a loss that is not finite fails its head alone', async () => {
  const options = bankOptions(small);
  const [first, ...others] = options.heads;
  const rates = first!.learningRates.slice();
  rates[0] = Number.POSITIVE_INFINITY;
  const bank = HeadBank.create({ ...options, heads: [{ ...first!, learningRates: rates }, ...others] });
  const result = await bank.train(6);
  assert.deepEqual([...result.failedStep], [1, -1, -1, -1]);
  assert.ok(result.trainLoss.subarray(0, 6).every(Number.isNaN));
  assert.ok(result.trainLoss.subarray(6).every(Number.isFinite));
  bank.dispose();
});

test('a feature file of another size is a STORE error with its path', () => {
  const options = bankOptions(small);
  const features = { ...options.features, columns: 21 };
  assert.throws(
    () => HeadBank.create({ ...options, features }),
    (error: unknown) => {
      assert.ok(error instanceof ThawError);
      assert.equal(error.code, 'STORE');
      assert.equal(error.place.file, features.path);
      assert.match(error.message, /expected 6720 bytes \(80 rows x 21 columns x 4 bytes\) but received 6400/);
      return true;
    },
  );
  assert.throws(
    () => HeadBank.create({ ...options, features: { ...features, path: 'no-such-file' } }),
    code('STORE'),
  );
});

test('wrong arguments are named: expected X for Y but received Z', async () => {
  const { heads, groups, optimizer } = bankOptions(small);
  const head = heads[0]!;
  const group = groups[0]!;
  refuses({ outputs: 0 }, /expected an integer from 1 to 4294967295 for outputs but received 0/);
  refuses(
    { targets: [1, 2] },
    /expected a Float32Array of length 160 for targets but received Array of length 2/,
  );
  refuses({ targets: new Float64Array(160) }, /for targets but received Float64Array of length 160/);
  refuses({ loss: 'mse' }, /expected 'bce' or 'softmax' for loss but received 'mse'/);
  refuses({ optimizer: { ...optimizer, kind: 'rmsprop' } }, /'sgd', 'adam' or 'adamw' for optimizer.kind/);
  refuses(
    { optimizer: { ...optimizer, beta2: 1 } },
    /expected a number from 0 to below 1 for optimizer.beta2/,
  );
  refuses(
    { optimizer: { ...optimizer, nesterov: 1 } },
    /expected a boolean for optimizer.nesterov but received 1/,
  );
  refuses({ groups: undefined }, /expected an array for groups but received undefined/);
  refuses(
    { groups: [{ ...group, validationRows: Uint32Array.of(80) }] },
    /expected rows below 80 for groups\[0\].validationRows but received 80/,
  );
  refuses({ heads: [{ ...head, group: 1 }] }, /expected a group below 1 for heads\[0\].group but received 1/);
  refuses({ heads: [{ ...head, seed: -1 }] }, /heads\[0\].seed but received -1/);
  refuses(
    { heads: [{ ...head, dropout: Number.NaN }] },
    /a finite number for heads\[0\].dropout but received NaN/,
  );
  refuses(
    { heads: [{ ...head, learningRates: new Float32Array(3) }] },
    /expected 12 values, one a step for heads\[0\]/,
  );
  refuses({ heads: [head, null] }, /expected an object for heads\[1\] but received null/);
  refuses(
    { loss: 'softmax', targets: new Float32Array(160).fill(Number.NaN) },
    /expected class probabilities for row/,
  );
  assert.throws(() => HeadBank.create(undefined as unknown as NativeHeadBankOptions));

  const bank = HeadBank.create(bankOptions(small));
  assert.throws(() => bank.train(0), /expected an integer from 1 to \d+ for epochs but received 0/);
  assert.throws(
    () => bank.infer(Uint32Array.of(80), 'last'),
    /expected rows below 80 for rows but received 80/,
  );
  assert.throws(() => bank.weights(4, 'last'), /expected an integer from 0 to 3 for head but received 4/);
  assert.throws(
    () => bank.weights(0, 'first' as 'last'),
    /expected 'best' or 'last' for which but received 'first'/,
  );
  const bias = new Float32Array(2);
  assert.throws(
    () => bank.load(0, { weight: bias, bias }),
    /a Float32Array of length 40 for weight but received/,
  );
  await bank.train(1);
  bank.dispose();
});
