import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNetworkTrial, networkOf } from '../../src/train/network-setup.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { brightCorner, fullSpec, lastBlockSpec, network, networkInputs } from './made-networks.js';
import { trained } from './made-trials.js';

/** Steps of a phase and the modes of block1 and block2; stem and head have no batch norm. */
async function phases(inputs: NetworkTrialInputs, own: TrialSpec) {
  const { result } = trained(await trainNetworks(inputs, [own]), own);
  return result.normPhases!.map(({ first, end, modes }) => {
    assert.deepEqual(Object.keys(modes), ['block1', 'block2']);
    return [first, end, ...Object.values(modes)];
  });
}

test('rows say what batch norms did, stage by stage and phase by phase, as far as training went', async (t) => {
  const { features, ...inputs } = await networkInputs(t, brightCorner(25), { features: 'float32' });
  // 32 images in batches of 16: two steps an epoch, twelve in all.
  const base: TrialSpec = { ...fullSpec, n: 32 };
  const frozen = { ...network, batchNorm: 'frozen' } as const;
  assert.deepEqual(await phases(inputs, base), [[0, 12, 'batch', 'batch']]);
  assert.deepEqual(await phases(inputs, { ...base, strategy: 'surgical:block1', network: frozen }), [
    [0, 12, 'frozen', 'fixed'],
  ]);
  assert.deepEqual(await phases(inputs, { ...base, strategy: 'ulmfit' }), [
    [0, 2, 'fixed', 'fixed'],
    [2, 4, 'fixed', 'batch'],
    [4, 6, 'batch', 'batch'],
    [6, 12, 'batch', 'batch'],
  ]);
  const behind = { ...inputs, features: features! };
  assert.deepEqual(await phases(behind, { ...lastBlockSpec, n: 32 }), [[0, 12, 'fixed', 'batch']]);
  const policy = { kind: 'plateau', factor: 0.1, patience: 0, threshold: -9, minimum: 0.5 } as const;
  const ended: TrialSpec = { ...base, strategy: 'ulmfit', lr: 1, policy: { ...policy, threshold: 9 } };
  assert.deepEqual((await phases(inputs, ended)).at(-1), [2, 4, 'fixed', 'batch']);
});

test('running statistics move in the stages that are said to be in mode `batch`, and in no other', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const cases: TrialSpec[] = [
    { ...fullSpec, strategy: 'surgical:block1' },
    { ...fullSpec, strategy: 'stage:block2' },
    { ...fullSpec, network: { ...network, batchNorm: 'frozen' } },
  ];
  for (const own of cases.map((one): TrialSpec => ({ ...one, n: 32, epochs: 2 }))) {
    let weights: ReadonlyMap<string, Float32Array> = new Map();
    const outcomes = await trainNetworks(inputs, [own], {
      onWeights: (_, handed) => {
        if (handed.kind === 'network') weights = handed.parameters;
      },
    });
    const [{ modes } = { modes: {} as Record<string, string> }] = trained(outcomes, own).result.normPhases!;
    assert.ok(isNetworkTrial(own));
    const { graph, stages } = networkOf(inputs, own);
    for (const { name, nodes } of stages) {
      for (const node of nodes) {
        if (node.op !== 'batch-norm') continue;
        const before = graph.parameters.get(node.mean)!.data;
        const moved = weights.get(node.mean)!.some((value, index) => value !== before[index]);
        assert.equal(moved, modes[name] === 'batch', `${own.strategy}: ${name} ${node.name}`);
      }
    }
  }
});
