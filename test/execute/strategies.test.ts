import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LocalExecutor } from '../../src/execute/local.js';
import { threadsPerWorker } from '../../src/execute/make-shard.js';
import { drySweep, runSweep } from '../../src/execute/run-sweep.js';
import type { Graph, Node } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { densenet } from '../../src/model/zoo/densenet.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { KeepingExecutor, optionsOf, randomCard, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const script = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
const executor = new LocalExecutor({ workers: 1, script });
const timeout = 120_000;
const strategies = (list: string) => ['grid.n=10', `grid.strategy=[${list}]`];
const input = 'input: { size: 32, channels: 1, scale: 0.004, mean: [0.5], std: [0.25] }';

/** A small DenseNet as an ONNX file, with a softmax over channels after its first convolution. */
function softmaxSource(folder: string): string {
  const layout = { stem: 'cifar', stemChannels: 16, growth: 12, blocks: [2, 2], compression: 0.5 } as const;
  const graph = densenet('odd', layout, { channels: 1, size: 32, classes: 3, seed: 1 });
  const [first, ...rest] = graph.nodes as [Node, ...Node[]];
  const renamed = rest.map((node) => ({
    ...node,
    inputs: node.inputs.map((tensor) => (tensor === first.output ? 'odd' : tensor)),
  }));
  const softmax: Node = { op: 'softmax', name: 'odd', inputs: [first.output], output: 'odd', axis: 1 };
  const odd: Graph = { ...graph, nodes: [first, softmax, ...renamed] };
  writeFileSync(join(folder, 'odd.onnx'), writeOnnx(odd));
  return `  odd: { pretraining: none, architecture: odd, file: odd.onnx, ${input} }`;
}

/** One 3×3 convolution and pooling: a backbone of a single stage. */
function singleStageSource(folder: string): string {
  const geometry = { stride: [2, 2], dilation: [1, 1], padding: [1, 1, 1, 1], groups: 1 } as const;
  const data = Float32Array.from({ length: 8 * 9 }, (_, index) => Math.sin(index));
  const graph: Graph = {
    name: 'single',
    input: 'x',
    inputShape: [1, 32, 32],
    output: 'f',
    nodes: [
      { op: 'conv2d', name: 'conv', inputs: ['x'], output: 'c', weight: 'w', ...geometry },
      { op: 'relu', name: 'relu', inputs: ['c'], output: 'r' },
      { op: 'global-average-pool', name: 'pool', inputs: ['r'], output: 'p' },
      { op: 'flatten', name: 'flatten', inputs: ['p'], output: 'f' },
    ],
    parameters: new Map([['w', { shape: [8, 1, 3, 3], data }]]),
  };
  writeFileSync(join(folder, 'single.onnx'), writeOnnx(graph));
  return `  single: { pretraining: none, architecture: single, file: single.onnx, ${input} }`;
}

test('a unit reads the store of its cut, one of the whole network reads images', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder, { set: strategies('extractor, last-block, full') });
  const keeping = new KeepingExecutor();
  const outcome = await runSweep(config, keeping, optionsOf(config));
  assert.equal(outcome.trials, 6);
  const { units, sources, threads } = keeping.shard!;
  assert.deepEqual(Object.keys(sources), ['random']);
  assert.equal(threads, threadsPerWorker(1));
  const stores = new Map<string, Set<string | undefined>>();
  for (const { featureStore, trials, source } of units) {
    assert.equal(source, 'random');
    const { strategy, cut } = trials[0]!;
    const key = `${strategy} at ${cut}`;
    stores.set(key, (stores.get(key) ?? new Set()).add(featureStore));
    for (const trial of trials) assert.equal(trial.strategy, strategy);
  }
  assert.deepEqual([...stores.keys()].sort(), [
    'extractor at pooled',
    'full at none',
    'last-block at block2',
  ]);
  assert.deepEqual([...stores.get('full at none')!], [undefined]);
  assert.equal(readdirSync(join(config.cache, 'features')).length, 2);
  const dry = await drySweep(config, optionsOf(config));
  assert.deepEqual(
    dry.stores.map(({ cut, cached }) => [cut, cached]),
    [
      ['block2', true],
      ['pooled', true],
    ],
  );
});

test('test views are extracted for what reads features, and averaged over', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const drawn = '{ passes: 2, augment: { flip: 0.5, crop: random, size: 32, pad: 2 } }';
  const set = [...strategies('extractor, last-block, full'), `training.testViews=${drawn}`];
  const config = tinyConfig(folder, { set });
  const outcome = await runSweep(config, executor, optionsOf(config));
  assert.deepEqual([outcome.ok, outcome.failed], [6, 0]);
  // Two cuts, each as the images are and in two passes.
  assert.equal(readdirSync(join(config.cache, 'features')).length, 6);
  const dry = await drySweep(config, optionsOf(config));
  assert.ok(dry.stores.every(({ cached }) => cached));
  assert.equal(dry.pending, 0);
  const plain = tinyConfig(folder, { set: strategies('extractor, last-block, full') });
  const both = await runSweep(plain, executor, optionsOf(plain));
  assert.deepEqual([both.ok, both.doneBefore], [6, 0]);
  assert.equal(readdirSync(join(config.cache, 'features')).length, 6);
});

test('the whole network alone makes no feature store', { timeout }, async (t) => {
  const config = tinyConfig(temporaryFolder(t), { set: strategies('full') });
  const keeping = new KeepingExecutor();
  await runSweep(config, keeping, { ...optionsOf(config, { filter: 'task=effusion' }), workers: 2 });
  const { units, threads } = keeping.shard!;
  assert.ok(units.every((unit) => !('featureStore' in unit)));
  assert.deepEqual(
    [units.length, threads],
    [1, threadsPerWorker(2)],
    'threads follow from the workers, not from what is left to do',
  );
  assert.deepEqual(readdirSync(config.cache).sort(), ['images']);
});

test('sources that cannot be trained fail their trials with the reason, heads on them and other sources go on', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'model.onnx'), 'another file');
  const broken = `  broken: { pretraining: none, architecture: x, file: model.onnx, sha256: '${'0'.repeat(64)}', ${input} }`;
  const own = [softmaxSource(folder), singleStageSource(folder), broken].join('\n');
  const sources = `  random: { card: ${randomCard} }\n${own}`;
  const set = [...strategies('extractor, last-block, full'), 'grid.task=effusion', 'training.epochs=1'];
  const config = tinyConfig(folder, { sources, set });
  const outcome = await runSweep(config, executor, optionsOf(config));
  const { rows } = await readLedger(config.out);
  const told = rows.map((row) => {
    const { source, strategy } = row.spec;
    return `${source} ${strategy}: ${row.status === 'failed' ? row.error.message : 'ok'}`;
  });
  const expected: Record<string, RegExp> = {
    'random extractor': /ok/,
    'random last-block': /ok/,
    'random full': /ok/,
    'odd extractor': /ok/,
    // The softmax lies before the cut: onnxruntime runs it.
    'odd last-block': /ok/,
    'odd full': /the engine does not know the operator "softmax"/,
    'single extractor': /ok/,
    'single last-block': /there is no cut "before-last-stage".*Cuts of this network: stem, pooled/,
    'single full': /ok/,
    'broken extractor': /source broken:.*SHA-256/,
    'broken last-block': /source broken:.*SHA-256/,
    'broken full': /source broken:.*SHA-256/,
  };
  assert.equal(told.length, Object.keys(expected).length, told.join('\n'));
  for (const [start, reason] of Object.entries(expected)) {
    const line = told.find((one) => one.startsWith(`${start}:`)) ?? '';
    assert.match(line.slice(start.length + 1), reason, told.join('\n'));
  }
  assert.deepEqual([outcome.ok, outcome.failed, outcome.left], [7, 5, 0]);
});

test('a network whose files change while the sweep runs is not trained', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder, { set: [...strategies('full'), 'grid.task=effusion'] });
  const keeping = new KeepingExecutor();
  await runSweep(config, keeping, optionsOf(config));
  const shard = keeping.shard!;
  const units = shard.units.map((unit) => ({
    ...unit,
    trials: unit.trials.map((trial) => ({ ...trial, sourceFingerprint: 'another' })),
  }));
  const events = { unitFinished: () => {}, inFlight: () => {}, note: () => {} };
  const signal = new AbortController().signal;
  const summary = await executor.run({ ...shard, units }, { signal, events, failFast: false });
  assert.deepEqual(summary, { ok: 0, failed: 1, left: 0 });
  const [row] = (await readLedger(config.out)).rows;
  assert.ok(row?.status === 'failed');
  assert.match(row.error.message, /random: expected the network another, received [0-9a-f]+: its files/);
});
