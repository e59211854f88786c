import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { NativeOptimizer } from '../../src/engine/addon.js';
import { HeadBank } from '../../src/engine/head-bank.js';
import { fileOf } from './bank.js';

interface Case {
  readonly name: string;
  readonly loss: 'bce' | 'softmax';
  readonly optimizer: NativeOptimizer;
  readonly weightDecay: number;
  readonly learningRates: readonly number[];
  readonly momenta?: readonly number[];
  readonly labelWeights?: readonly number[];
  readonly positiveWeights?: readonly number[];
  readonly targets: string;
  readonly expected: Readonly<
    Record<'trainLoss' | 'validationLoss' | 'validationAuroc' | 'weight' | 'bias', readonly number[]>
  >;
}

interface Golden {
  readonly rows: number;
  readonly features: number;
  readonly training: number;
  readonly batch: number;
  readonly epochs: number;
  readonly order: readonly number[];
  readonly x: readonly number[];
  readonly targets: Readonly<Record<string, readonly (number | null)[]>>;
  readonly start: { readonly weight: readonly number[]; readonly bias: readonly number[] };
  readonly cases: readonly Case[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/heads.json', import.meta.url), 'utf8'));
const floats = (values: readonly (number | null)[]) =>
  Float32Array.from(values, (value) => value ?? Number.NaN);

/** Largest difference, relative to the largest expected value. */
function difference(received: ArrayLike<number>, expected: readonly number[]): number {
  assert.equal(received.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs((received[i] as number) - value))) / scale;
}

function bankOf(one: Case): HeadBank {
  const { rows, features, training, batch, order, x, targets } = golden;
  const optional = (key: 'momenta' | 'labelWeights' | 'positiveWeights') =>
    one[key] === undefined ? {} : { [key]: floats(one[key]) };
  return HeadBank.create({
    features: { path: fileOf(floats(x)), rows, columns: features, dtype: 'float32' },
    outputs: 3,
    targets: floats(targets[one.targets] as readonly (number | null)[]),
    loss: one.loss,
    batch,
    optimizer: one.optimizer,
    groups: [
      {
        order: Uint32Array.from(order),
        rowsPerEpoch: training,
        validationRows: Uint32Array.from({ length: rows - training }, (_, i) => training + i),
        standardize: false,
      },
    ],
    heads: [
      {
        group: 0,
        seed: 1,
        dropout: 0,
        weightDecay: one.weightDecay,
        learningRates: floats(one.learningRates),
        ...optional('momenta'),
        ...optional('labelWeights'),
        ...optional('positiveWeights'),
      },
    ],
    select: 'loss',
    threads: 1,
  });
}

for (const one of golden.cases) {
  test(`as PyTorch: ${one.name}`, async () => {
    const bank = bankOf(one);
    bank.load(0, { weight: floats(golden.start.weight), bias: floats(golden.start.bias) });
    const result = await bank.train(golden.epochs);
    const { weight, bias } = bank.weights(0, 'last');
    bank.dispose();
    assert.ok(one.learningRates.length > 50);
    assert.ok(
      difference(weight, one.expected.weight) < 1e-5,
      `weight ${difference(weight, one.expected.weight)}`,
    );
    assert.ok(difference(bias, one.expected.bias) < 1e-5, `bias ${difference(bias, one.expected.bias)}`);
    assert.ok(difference(result.trainLoss, one.expected.trainLoss) < 1e-5);
    assert.ok(difference(result.validationLoss, one.expected.validationLoss) < 1e-5);
    assert.ok(difference(result.validationAuroc, one.expected.validationAuroc) < 1e-12);
  });
}
