import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainedWeights } from '../../src/model/trained.js';
import { evaluateSet } from '../../src/stats/evaluate.js';
import { targetsOf } from '../../src/train/evaluate-trial.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { isNetworkTrial, openNetwork } from '../../src/train/network-setup.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import type { TrainedTrial } from '../../src/train/outcome.js';
import type { Strategy, TrialSpec } from '../../src/train/trial.js';
import { prepareTrials, type TrialInputs } from '../../src/train/trial-rows.js';
import { activationsAt, brightCorner, fullSpec, lastBlockSpec, networkInputs } from './made-networks.js';
import { COLUMNS, inputsOf, normal, numbers, spec, trained } from './made-trials.js';

const STRATEGIES: readonly Strategy[] = [
  ...(['last-block', 'full', 'none', 'stage:block2', 'surgical:block1', 'gradual', 'ulmfit'] as const),
  ...(['progressive', 'auto-rgn', 'lp-ft'] as const),
];
const SELECT = ['loss', 'auroc'] as const;

/** Epochs are chosen by the curve of the row; these logits, of the weights handed on, give its value at that epoch. */
function checkChosen(
  inputs: TrialInputs,
  { spec: own, result, validationRows }: TrainedTrial,
  logits: Float32Array,
) {
  const name = `${own.strategy} by ${own.select}`;
  const { curves, bestEpoch, validation } = result;
  const losses = curves.validationLoss as number[];
  const areas = curves.validationAuroc as number[];
  const best =
    own.select === 'loss' ? losses.indexOf(Math.min(...losses)) : areas.indexOf(Math.max(...areas));
  assert.equal(bestEpoch, best, name);
  const { kind, outputNames } = inputs.task;
  const again = evaluateSet({ kind, outputNames, logits, targets: targetsOf(inputs.task, validationRows) });
  assert.ok(Math.abs(again.logLoss! - losses[bestEpoch]!) < 1e-5, `${name}: ${again.logLoss}`);
  // Near ties may fall the other way where sums are ordered otherwise: one pair of the 10 × 20.
  assert.ok(Math.abs(again.auroc! - areas[bestEpoch]!) <= 1 / 200 + 1e-9, `${name}: ${again.auroc}`);
  assert.ok(Math.abs(validation.logLoss! - losses[bestEpoch]!) < 1e-5, name);
  assert.ok(Math.abs(validation.auroc! - areas[bestEpoch]!) < 1e-9, name);
}

/** Validation logits of the weights that a training handed on, in the trial's network as it is opened anew. */
async function logitsOf(inputs: NetworkTrialInputs, own: TrialSpec, weights: TrainedWeights) {
  assert.ok(isNetworkTrial(own) && weights.kind === 'network');
  const [trial] = prepareTrials(inputs, [own]).ready;
  await using network = openNetwork(inputs, own, trial!);
  network.loadAll(weights.parameters);
  return network.infer(trial!.validationRows);
}

async function checkNetworks(inputs: NetworkTrialInputs, specs: readonly TrialSpec[]): Promise<number[]> {
  const handed = new Map<TrialSpec, TrainedWeights>();
  const outcomes = await trainNetworks(inputs, specs, {
    onWeights: (own, weights) => handed.set(own, weights),
  });
  const epochs: number[] = [];
  for (const own of specs) {
    const outcome = trained(outcomes, own);
    checkChosen(inputs, outcome, await logitsOf(inputs, own, handed.get(own)!));
    epochs.push(outcome.result.bestEpoch);
  }
  return epochs;
}

test('networks of every strategy keep the weights of the epoch that validation likes best, by loss or AUROC', async (t) => {
  // A weak signal and a high rate: soon the images are known by heart, and the last epoch is not the best one.
  const { features, ...inputs } = await networkInputs(t, brightCorner(6), { features: 'float32' });
  const specs = STRATEGIES.flatMap((strategy) =>
    SELECT.map((select): TrialSpec => {
      const base = strategy === 'last-block' ? lastBlockSpec : fullSpec;
      const network = {
        ...base.network!,
        ...(strategy === 'progressive' ? { atUnfreeze: 'restart' as const } : {}),
      };
      return { ...base, strategy, select, network, lr: 0.03, epochs: 6, n: 48 };
    }),
  );
  const behind = await checkNetworks({ ...inputs, features: features! }, specs.slice(0, 2));
  const whole = await checkNetworks(inputs, specs.slice(2));
  const early = [...behind, ...whole].filter((epoch) => epoch < 5).length;
  assert.ok(early >= 10, `the best epoch is the last one in all but ${early} of ${specs.length}`);
});

test('so do networks whose first phases are trained from stored activations', async (t) => {
  const inputs = await networkInputs(t, brightCorner(6));
  const activations = new Map([
    ['pooled', await activationsAt(inputs, 'pooled')],
    ['block1', await activationsAt(inputs, 'block1')],
  ]);
  const specs = (['gradual', 'ulmfit', 'lp-ft'] as const).flatMap((strategy) =>
    SELECT.map((select): TrialSpec => ({ ...fullSpec, strategy, select, lr: 0.03, epochs: 6, n: 48 })),
  );
  await checkNetworks({ ...inputs, activations }, specs);
});

test('heads in a bank keep the weights of the epoch that validation likes best, by loss or AUROC', async (t) => {
  const rows = 150;
  const next = numbers(7);
  const features = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => normal(next) + (column === 0 && row % 3 === 0 ? 0.4 : 0)),
  );
  const inputs = inputsOf(t, {
    rows,
    labelNames: ['finding'],
    labels: (row) => [Number(row % 3 === 0)],
    features: (row) => features[row]!,
    rule: { kind: 'binary', positive: 'finding' },
  });
  const specs = SELECT.flatMap((select) =>
    [0.01, 0.3].map((lr): TrialSpec => ({ ...spec, select, lr, n: 40, epochs: 12 })),
  );
  const handed = new Map<TrialSpec, TrainedWeights>();
  const outcomes = await trainHeads(inputs, specs, { onWeights: (own, weights) => handed.set(own, weights) });
  for (const own of specs) {
    const outcome = trained(outcomes, own);
    const weights = handed.get(own)!;
    assert.ok(weights.kind === 'head');
    const logits = Float32Array.from(outcome.validationRows, (row) =>
      features[row]!.reduce((sum, value, column) => sum + value * weights.weight[column]!, weights.bias[0]!),
    );
    checkChosen(inputs, outcome, logits);
  }
});
