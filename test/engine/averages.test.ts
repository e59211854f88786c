import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import type { NativeTrainRequest } from '../../src/engine/addon.js';
import { HeadBank } from '../../src/engine/head-bank.js';
import { Network, type NetworkOptions } from '../../src/engine/network.js';
import type { Graph, Node, Parameter } from '../../src/model/graph.js';
import { fileOf } from './bank.js';
import { allRows, passOver, tinyGraph, tinyNetwork } from './trained-network.js';

type Weights = Readonly<Record<string, readonly number[]>>;
interface Case {
  readonly optimizer: 'sgd' | 'adam';
  readonly decay: number;
  readonly start: Weights;
  readonly weights: Weights;
  readonly average: Weights;
}
interface Golden {
  readonly rows: number;
  readonly side: number;
  readonly outputs: number;
  readonly batch: number;
  readonly steps: number;
  readonly x: readonly number[];
  readonly targets: readonly number[];
  readonly networks: readonly (Case & {
    /** The first step in which the body is trained. */
    readonly unfrozen: number;
    /** [rows × outputs] of the averaged network after every fourth step. */
    readonly logits: readonly (readonly number[])[];
  })[];
  readonly heads: readonly (Case & { readonly validationLoss: readonly number[] })[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/averages.json', import.meta.url), 'utf8'));
const { rows, side, outputs, batch, steps } = golden;
const features = Float32Array.from(golden.x);
const targets = Float32Array.from(golden.targets);
const everyRow = Uint32Array.from({ length: rows }, (_, row) => row);

const OPTIMIZERS = {
  sgd: { kind: 'sgd', momentum: 0.9, nesterov: true, beta2: 0, epsilon: 0, lr: 0.05 },
  adam: { kind: 'adam', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8, lr: 0.01 },
} as const;

/** Largest difference, relative to the largest expected value. */
function difference(received: ArrayLike<number>, expected: readonly number[]): number {
  assert.equal(received.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs((received[i] as number) - value))) / scale;
}

/** The network of golden/averages.py with the parameters of a case: a body of convolution and batch norm, and a head. */
function goldenGraph(start: Weights): Graph {
  const shapes: Record<string, readonly number[]> = {
    'conv.weight': [5, 1, 3, 3],
    'linear.weight': [outputs, 5],
  };
  const parameters = new Map(
    Object.entries(start).map(([name, values]) => [
      name,
      { shape: shapes[name] ?? [values.length], data: Float32Array.from(values) },
    ]),
  );
  const nodes: Node[] = [
    {
      op: 'conv2d',
      name: 'conv',
      inputs: ['image'],
      output: 'conv',
      weight: 'conv.weight',
      stride: [1, 1],
      dilation: [1, 1],
      padding: [1, 1, 1, 1],
      groups: 1,
    },
    {
      op: 'batch-norm',
      name: 'norm',
      inputs: ['conv'],
      output: 'norm',
      scale: 'norm.weight',
      bias: 'norm.bias',
      mean: 'norm.running_mean',
      variance: 'norm.running_var',
      epsilon: 1e-5,
      momentum: 0.9,
    },
    { op: 'relu', name: 'relu', inputs: ['norm'], output: 'relu' },
    { op: 'global-average-pool', name: 'pool', inputs: ['relu'], output: 'pool' },
    { op: 'flatten', name: 'flat', inputs: ['pool'], output: 'flat' },
    {
      op: 'linear',
      name: 'linear',
      inputs: ['flat'],
      output: 'linear',
      weight: 'linear.weight',
      bias: 'linear.bias',
    },
  ];
  return { name: 'golden', input: 'image', inputShape: [1, side, side], output: 'linear', nodes, parameters };
}

function goldenNetwork(one: Case, changes: Partial<NetworkOptions> = {}): Network {
  const graph = goldenGraph(one.start);
  const { lr: _, ...optimizer } = OPTIMIZERS[one.optimizer];
  return Network.create({
    graph,
    stages: [
      { name: 'body', nodes: graph.nodes.slice(0, 3) },
      { name: 'head', nodes: graph.nodes.slice(3) },
    ],
    input: {
      kind: 'features',
      features: { path: fileOf(features), rows, columns: side * side, dtype: 'float32' },
      shape: [1, side, side],
    },
    device: 'cpu',
    precision: 'fp32',
    threads: 1,
    winograd: true,
    batch,
    loss: 'bce',
    optimizer,
    normModes: ['batch', 'batch'],
    weightDecay: 0,
    decayAll: false,
    clipNorm: 0,
    averageDecay: one.decay,
    memory: 'lean',
    seed: 1,
    ...changes,
  });
}

/** Steps first … end − 1, the body trained from step `unfrozen` on. */
function stepsOf(one: Case, first: number, end: number, unfrozen = 0): NativeTrainRequest {
  const count = end - first;
  return {
    order: Uint32Array.from({ length: count * batch }, (_, index) => (first * batch + index) % rows),
    targets,
    learningRates: new Float32Array(2 * count).fill(OPTIMIZERS[one.optimizer].lr),
    trainedStages: Uint32Array.from({ length: count }, (_, step) => (first + step < unfrozen ? 0b10 : 0b11)),
    epoch: 0,
  };
}

for (const one of golden.networks) {
  test(`a network's average equals PyTorch's: ${one.optimizer}, decay ${one.decay}, body from step ${one.unfrozen}`, async () => {
    await using network = goldenNetwork(one);
    for (const [index, logits] of one.logits.entries()) {
      await network.train(stepsOf(one, 4 * index, 4 * (index + 1), one.unfrozen));
      const gap = difference(await network.infer(everyRow), logits);
      assert.ok(gap < 2e-5, `logits after ${4 * (index + 1)} steps: ${gap}`);
    }
    const average = network.weights();
    for (const [name, values] of Object.entries(one.average)) {
      assert.ok(difference(average.get(name)!, values) < 1e-5, `average of ${name}`);
      assert.ok(difference(network.read(name), one.weights[name]!) < 1e-5, name);
    }
    assert.equal(steps, 4 * one.logits.length);
  });
}

function headBank(one: Case, changes: { readonly averageDecay?: number } = { averageDecay: one.decay }) {
  const { lr, ...optimizer } = OPTIMIZERS[one.optimizer];
  const bank = HeadBank.create({
    features: { path: fileOf(features), rows, columns: side * side, dtype: 'float32' },
    outputs,
    targets,
    loss: 'bce',
    batch,
    optimizer,
    groups: [
      {
        order: Uint32Array.from({ length: steps * batch }, (_, index) => index % rows),
        rowsPerEpoch: rows,
        validationRows: everyRow,
        standardize: false,
      },
    ],
    // The second head's weights are not averaged.
    heads: [changes, {}].map((own, seed) => ({
      group: 0,
      seed,
      dropout: 0,
      weightDecay: 0,
      learningRates: new Float32Array(steps).fill(lr),
      ...own,
    })),
    select: 'loss',
    threads: 1,
  });
  for (const head of [0, 1])
    bank.load(head, {
      weight: Float32Array.from(one.start.weight!),
      bias: Float32Array.from(one.start.bias!),
    });
  return bank;
}

for (const one of golden.heads) {
  test(`a head's average equals PyTorch's: ${one.optimizer}, decay ${one.decay}`, async () => {
    const bank = headBank(one);
    try {
      const epochs = one.validationLoss.length;
      const { validationLoss } = await bank.train(epochs);
      assert.ok(difference(validationLoss.slice(0, epochs), one.validationLoss) < 1e-5);
      for (const [head, expected] of [one.average, one.weights].entries()) {
        const { weight, bias } = bank.weights(head, 'last');
        assert.ok(difference(weight, expected.weight!) < 1e-5, `head ${head}`);
        assert.ok(difference(bias, expected.bias!) < 1e-5, `head ${head}`);
      }
    } finally {
      bank.dispose();
    }
  });
}

test('a network goes on from an averaged head as if it had trained it', async () => {
  const one = golden.heads.find(({ optimizer, decay }) => optimizer === 'adam' && decay > 0.9)!;
  const half = steps / 2;
  const { lr: _, ...optimizer } = OPTIMIZERS[one.optimizer];
  const parameters = new Map([
    ['weight', { shape: [outputs, side * side], data: Float32Array.from(one.start.weight!) }],
    ['bias', { shape: [outputs], data: Float32Array.from(one.start.bias!) }],
  ]);
  const graph: Graph = {
    name: 'linear',
    input: 'vector',
    inputShape: [side * side],
    output: 'linear',
    nodes: [
      {
        op: 'linear',
        name: 'linear',
        inputs: ['vector'],
        output: 'linear',
        weight: 'weight',
        bias: 'bias',
      },
    ],
    parameters,
  };
  const input = {
    kind: 'features',
    features: { path: fileOf(features), rows, columns: side * side, dtype: 'float32' },
    shape: [side * side],
  } as const;
  const options = {
    graph,
    stages: [{ name: 'head', nodes: graph.nodes }],
    input,
    optimizer,
    normModes: ['batch'],
  } as const;
  const bank = headBank(one);
  await bank.train((half * batch) / rows);
  const state = bank.trainingState(0, { weight: 'weight', bias: 'bias' });
  bank.dispose();
  await using network = goldenNetwork(one, options);
  await network.adopt(state);
  const { learningRates, trainedStages, ...request } = stepsOf(one, half, steps);
  await network.train({
    ...request,
    learningRates: learningRates.subarray(half),
    trainedStages: trainedStages.map(() => 1),
  });
  assert.ok(difference(network.weights().get('weight')!, one.average.weight!) < 1e-5);
  await using plain = goldenNetwork(one, { ...options, averageDecay: 0 });
  await assert.rejects(
    plain.adopt(state),
    (error: unknown) => error instanceof ThawError && error.message.includes('without an average for weight'),
  );
});

const averaged = { averageDecay: 0.99 } as const;

test('an average leaves the training alone, and inference in between as well', async () => {
  const plain = tinyNetwork();
  const other = tinyNetwork(averaged);
  await using one = plain.network;
  await using two = other.network;
  for (let epoch = 0; epoch < 2; epoch++) {
    const { losses } = await one.train(passOver(plain, { epoch }));
    assert.deepEqual((await two.train(passOver(other, { epoch }))).losses, losses);
    assert.notDeepEqual(await two.infer(allRows), await one.infer(allRows));
  }
  for (const name of one.parameterNames) assert.deepEqual(two.read(name), one.read(name));
  assert.deepEqual(one.weights(), new Map(one.parameterNames.map((name) => [name, one.read(name)])));
});

test('a snapshot within a training goes on with the same bits, gradual unfreezing included', async () => {
  const whole = tinyNetwork(averaged);
  const first = tinyNetwork(averaged);
  const second = tinyNetwork(averaged);
  await using expected = whole.network;
  await using stopped = first.network;
  await using resumed = second.network;
  const masks = [0b1000, 0b1100, 0b1111, 0b0110];
  for (const [epoch, trained] of masks.entries()) await expected.train(passOver(whole, { epoch, trained }));
  for (const [epoch, trained] of masks.slice(0, 2).entries())
    await stopped.train(passOver(first, { epoch, trained }));
  await resumed.restore(await stopped.snapshot());
  for (const epoch of [2, 3]) await resumed.train(passOver(second, { epoch, trained: masks[epoch]! }));
  assert.deepEqual(await resumed.snapshot(), await expected.snapshot());
  assert.deepEqual(await resumed.infer(allRows), await expected.infer(allRows));
  // Back to before: nothing is left of what was averaged since.
  const before = await stopped.snapshot();
  await stopped.train(passOver(first, { epoch: 2 }));
  await stopped.restore(before);
  assert.deepEqual(await stopped.snapshot(), before);
});

test('what is frozen has no average; what is frozen again is still averaged', async () => {
  const trained = tinyNetwork(averaged);
  await using network = trained.network;
  /** How far each parameter is from its average, or from what it was. */
  const distances = (from: ReadonlyMap<string, Float32Array>) =>
    new Map(
      [...from].map(([name, values]) => {
        const now = network.read(name);
        return [name, Math.max(...values.map((value, i) => Math.abs(value - now[i]!)))] as const;
      }),
    );
  const before = network.weights();
  await network.train(passOver(trained, { trained: 0b0100 }));
  const moved = distances(before);
  const apart = distances(network.weights());
  for (const [name, distance] of apart) assert.equal(distance > 0, moved.get(name)! > 0, name);
  assert.ok([...moved].some(([name, distance]) => distance > 0 && name.includes('running_mean')));
  await network.train(passOver(trained, { trained: 0b1000, epoch: 1 }));
  for (const [name, distance] of distances(network.weights()))
    if (moved.get(name)! > 0) assert.ok(distance < apart.get(name)!, name);
});

/** Convolutions with biases and no batch norm, of which one is 1 × 1. */
function biasedGraph(): Graph {
  const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) / 3);
  const parameters = new Map<string, Parameter>(
    Object.entries({ a: [16, 1, 3, 3], b: [32, 16, 1, 1], c: [3, 32] }).flatMap(([name, shape]) => [
      [`${name}.weight`, { shape, data: numbers(shape.reduce((x, y) => x * y)) }],
      [`${name}.bias`, { shape: [shape[0]!], data: numbers(shape[0]!) }],
    ]),
  );
  const conv = (name: string, input: string, side: number): Node => ({
    op: 'conv2d',
    name,
    inputs: [input],
    output: name,
    weight: `${name}.weight`,
    bias: `${name}.bias`,
    stride: [1, 1],
    dilation: [1, 1],
    padding: [side, side, side, side],
    groups: 1,
  });
  const nodes: Node[] = [
    conv('a', 'image', 1),
    { op: 'relu', name: 'r', inputs: ['a'], output: 'r' },
    conv('b', 'r', 0),
    { op: 'global-average-pool', name: 'p', inputs: ['b'], output: 'p' },
    { op: 'flatten', name: 'f', inputs: ['p'], output: 'f' },
    { op: 'linear', name: 'c', inputs: ['f'], output: 'c', weight: 'c.weight', bias: 'c.bias' },
  ];
  return { name: 'biased', input: 'image', inputShape: [1, 12, 12], output: 'c', nodes, parameters };
}

for (const precision of ['fp32', 'bf16'] as const) {
  for (const [what, graph] of [
    ['batch norms', tinyGraph()],
    ['biases', biasedGraph()],
  ] as const) {
    test(`inference is that of a network with the averaged weights: ${what}, ${precision}`, async (context) => {
      const stages =
        what === 'biases'
          ? { stages: [{ name: 'all', nodes: graph.nodes }], normModes: ['batch'] as const }
          : {};
      const changes = { graph, precision, ...stages };
      try {
        const trained = tinyNetwork({ ...changes, ...averaged });
        await using network = trained.network;
        await using other = tinyNetwork(changes).network;
        const mask = 2 ** network.stages.length - 1;
        // Between two passes inference sees the averages, training does not.
        for (const epoch of [0, 1]) {
          await network.train(passOver(trained, { epoch, trained: mask, lr: 0.01 }));
          other.loadAll(network.weights());
          assert.deepEqual(await network.infer(allRows), await other.infer(allRows));
        }
        const best = network.weights();
        const logits = await network.infer(allRows);
        await network.train(passOver(trained, { epoch: 2, trained: mask, lr: 0.01 }));
        network.loadAll(best);
        assert.deepEqual(await network.infer(allRows), logits);
        assert.deepEqual(network.weights(), best);
      } catch (error) {
        if (!(error instanceof ThawError) || !error.message.includes('bf16')) throw error;
        context.skip(error.message);
      }
    });
  }
}

test('a decay that is none is refused by its name', () => {
  for (const averageDecay of [1, -0.1, Number.NaN])
    assert.throws(
      () => tinyNetwork({ averageDecay }),
      (error: unknown) => error instanceof ThawError && /averageDecay/.test(error.message),
    );
});
