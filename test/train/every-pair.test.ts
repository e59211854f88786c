import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainHeads } from '../../src/train/head-trials.js';
import { trainNetworks } from '../../src/train/network-trials.js';
import type { PolicySpec, Strategy, TrialSpec } from '../../src/train/trial.js';
import { brightCorner, fullSpec, lastBlockSpec, network, networkInputs } from './made-networks.js';
import { inputsOf, spec } from './made-trials.js';

const momentum = { minimum: 0.85, maximum: 0.95 };
const cyclic = { kind: 'cyclic', cycles: 2, rise: 0.5, minimum: 0.1, gamma: 0.9, momentum } as const;
const oneCycle = { kind: 'one-cycle', warmup: 0.3, startDivisor: 25, finalDivisor: 1e4, momentum } as const;
const policies: readonly PolicySpec[] = [
  { kind: 'constant' },
  { kind: 'cosine', final: 0 },
  { kind: 'step', factor: 0.1, at: [0.5] },
  { kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.001 },
  { kind: 'warmup', warmup: 0.2, start: 0, after: 'linear' },
  { kind: 'warm-restarts', cycles: 2, multiply: 2, minimum: 0 },
  ...(['triangular', 'triangular2', 'exp-range'] as const).map((mode) => ({ ...cyclic, mode })),
  oneCycle,
  { ...oneCycle, anneal: 'linear', threePhase: true },
];
const strategies: readonly Strategy[] = [
  ...(['last-block', 'full', 'none', 'stage:block2', 'surgical:0', 'gradual', 'gradual:1@0.3'] as const),
  ...(['ulmfit', 'progressive', 'auto-rgn', 'lp-ft'] as const),
];

test('every strategy trains two epochs under every policy, going on or restarted at an unfreeze', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40), { features: 'float32' });
  const short = { epochs: 2, n: 32 } as const;
  const specs = strategies.flatMap((strategy) =>
    policies.flatMap((policy): TrialSpec[] => {
      const base = strategy === 'last-block' ? lastBlockSpec : fullSpec;
      const restarted = { ...network, atUnfreeze: 'restart' } as const;
      const both = strategy === 'progressive' ? [restarted] : [network, restarted];
      return both.map((own) => ({ ...base, ...short, strategy, policy, network: own }));
    }),
  );
  const outcomes = await trainNetworks(inputs, specs);
  const heads = policies.map((policy): TrialSpec => ({ ...spec, ...short, policy }));
  const made = brightCorner(40);
  outcomes.push(...(await trainHeads(inputsOf(t, made), heads)));
  assert.equal(outcomes.length, specs.length + policies.length);
  for (const { spec: own, ...outcome } of outcomes) {
    const name = `${own.strategy} ${own.policy.kind}`;
    assert.ok(outcome.status === 'ok', `${name}: ${JSON.stringify(outcome)}`);
    const { trainLoss } = outcome.result.curves;
    assert.ok(trainLoss.length === 2 && trainLoss.every((loss) => loss !== null && loss > 0), name);
  }
});
