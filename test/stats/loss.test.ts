import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadBank } from '../../src/engine/head-bank.js';
import { meanLoss } from '../../src/stats/loss.js';
import { bankOptions } from '../engine/bank.js';

const close = (received: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(received - expected) <= tolerance, `${received}, expected ${expected}`);

test('binary cross-entropy: mean over the known targets, weights as PyTorch has them', () => {
  const logits = Float32Array.of(0, 2, -1, 0.5);
  const targets = Float32Array.of(1, 0, Number.NaN, 1);
  const term = (z: number) => Math.log(1 + Math.exp(z));
  close(meanLoss('bce', logits, targets, 2), (Math.LN2 + term(2) + term(-0.5)) / 3);
  const weights = { labelWeights: Float32Array.of(2, 1), positiveWeights: Float32Array.of(3, 4) };
  close(meanLoss('bce', logits, targets, 2, weights), (2 * 3 * Math.LN2 + term(2) + 4 * term(-0.5)) / 3);
  // Far logits do not overflow.
  close(meanLoss('bce', Float32Array.of(1000), Float32Array.of(0), 1), 1000);
  assert.equal(meanLoss('bce', Float32Array.of(1), Float32Array.of(Number.NaN), 1), Number.NaN);
});

test('softmax cross-entropy: mean over the rows, class weights do not change the divisor', () => {
  const logits = Float32Array.of(0, 0, Math.fround(Math.log(2)), 1000, 0, 0);
  const targets = Float32Array.of(0, 0, 1, 0, 1, 0);
  // p = 2 / 4 for the first row, e⁻¹⁰⁰⁰ for the second.
  close(meanLoss('softmax', logits, targets, 3), (Math.LN2 + 1000) / 2, 1e-6);
  const labelWeights = Float32Array.of(1, 0.25, 3);
  close(meanLoss('softmax', logits, targets, 3, { labelWeights }), (3 * Math.LN2 + 250) / 2, 1e-6);
});

for (const loss of ['bce', 'softmax'] as const) {
  test(`${loss}: the validation loss that a head bank reports`, async () => {
    const [rows, outputs] = [80, 3];
    const plain = bankOptions({ rows, features: 10, outputs, heads: 1, epochs: 1 });
    const targets = plain.targets.slice();
    if (loss === 'bce') targets[70 * outputs] = Number.NaN;
    else for (let row = 0; row < rows; row++) targets.set(Float32Array.of(0, 0.25, 0.75), row * outputs);
    const labelWeights = Float32Array.of(1, 2, 0.5);
    const positiveWeights = Float32Array.of(3, 1, 0.25);
    const weights = loss === 'bce' ? { labelWeights, positiveWeights } : { labelWeights };
    const heads = plain.heads.map((head) => ({ ...head, ...weights }));
    const bank = HeadBank.create({ ...plain, targets, loss, heads });
    const { validationLoss } = await bank.train(1);
    const { validationRows } = plain.groups[0]!;
    const logits = await bank.infer(validationRows, 'last');
    bank.dispose();
    const first = validationRows[0]! * outputs;
    const own = targets.subarray(first, first + validationRows.length * outputs);
    close(meanLoss(loss, logits, own, outputs, weights), validationLoss[0]!, 1e-5);
  });
}
