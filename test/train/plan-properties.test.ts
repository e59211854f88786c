import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NativeTrainRequest } from '../../src/engine/addon.js';
import { freezePlan, halfOf, phasesOf, stageFactors } from '../../src/train/freeze.js';
import { isNetworkTrial, openNetwork } from '../../src/train/network-setup.js';
import { passRequests } from '../../src/train/network-training.js';
import { learningRates, momenta } from '../../src/train/schedule.js';
import type { Strategy, TrialSpec } from '../../src/train/trial.js';
import { prepareTrials } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, network, networkInputs } from './made-networks.js';
import { numbers } from './made-trials.js';

const next = numbers(11);
const whole = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));

interface Drawn {
  readonly strategy: Strategy;
  readonly stages: readonly string[];
  readonly steps: number;
  readonly perEpoch: number;
}

function drawn(): Drawn {
  const stages = Array.from({ length: whole(2, 12) }, (_, stage) => `s${stage}`);
  const backbone = stages.length - 1;
  const stage = () => (next() < 0.5 ? String(whole(0, backbone - 1)) : `s${whole(0, backbone - 1)}`);
  const parts = [...new Set(Array.from({ length: whole(1, 4) }, () => whole(1, 99) / 100))].sort(
    (a, b) => a - b,
  );
  const words: Strategy[] = [
    ...(['full', 'none', 'gradual', 'ulmfit', 'progressive', 'auto-rgn', 'lp-ft'] as const),
    `stage:${stage()}`,
    `surgical:${stage()}`,
    `lp-ft:${parts[0]}`,
    `gradual:${parts.map((part) => `${stage()}@${part}`).join(',')}`,
  ];
  const perEpoch = whole(1, 20);
  return { strategy: words[whole(0, words.length - 1)]!, stages, perEpoch, steps: perEpoch * whole(1, 30) };
}

test('of any plan: the head is always trained, what is trained is a suffix or one stage, and phases cover all steps', () => {
  for (let trial = 0; trial < 500; trial++) {
    const { strategy, stages, steps, perEpoch } = drawn();
    const name = `${strategy} of ${stages.length} stages in ${steps} steps`;
    const plan = freezePlan(strategy as 'full', stages, steps, perEpoch);
    assert.equal(plan.length, steps, name);
    const head = 2 ** (stages.length - 1);
    for (const mask of plan) {
      assert.ok((mask & head) !== 0 && mask < 2 * head, name);
      const first = Math.log2(mask & -mask);
      const isSuffix = mask === 2 * head - 2 ** first;
      assert.ok(isSuffix || (strategy.startsWith('surgical') && mask === head + 2 ** first), name);
    }
    const phases = phasesOf(plan);
    assert.equal(phases[0]![0], 0);
    assert.equal(phases.at(-1)![1], steps);
    for (const [index, [first, end]] of phases.entries()) {
      assert.ok(first < end && (index === 0 || first === phases[index - 1]![1]), name);
      assert.equal(new Set(plan.subarray(first, end)).size, 1, name);
      if (index > 0) assert.notEqual(plan[first], plan[first - 1], name);
    }
    // But for a list of the user's own, nothing that was unfrozen is frozen again.
    if (!strategy.startsWith('gradual:'))
      for (let step = 1; step < steps; step++)
        assert.equal(plan[step]! & plan[step - 1]!, plan[step - 1], name);
    if (strategy === 'progressive' && steps >= stages.length) {
      const lengths = phases.map(([first, end]) => end - first);
      assert.equal(phases.length, stages.length, name);
      assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1, name);
    }
    assert.ok(halfOf(stages) >= 1 && halfOf(stages) < stages.length);
    assert.equal(stageFactors(0.5, stages).at(-1), 1);
  }
});

test('of any training: rates by phase are those of the policy over as many steps, momenta too', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const momentum = { minimum: 0.85, maximum: 0.95 };
  const policy = { kind: 'one-cycle', warmup: 0.3, startDivisor: 25, finalDivisor: 1e4, momentum } as const;
  for (let trial = 0; trial < 60; trial++) {
    const { strategy } = drawn();
    // Those name stages that the tiny network may not have.
    if (/^(stage|surgical|gradual):/.test(strategy)) continue;
    const atUnfreeze = next() < 0.5 ? 'restart' : 'continue';
    const one: TrialSpec = {
      ...{ ...fullSpec, strategy, policy, epochs: whole(1, 9), n: whole(9, 40), batch: whole(3, 16) },
      network: { ...network, atUnfreeze, discriminative: 0.5 },
    };
    assert.ok(isNetworkTrial(one));
    const [ready] = prepareTrials(inputs, [one]).ready;
    const names = ['stem', 'block1', 'block2', 'head'];
    const requestOf = passRequests(names, inputs.task, one, ready!);
    const requests = Array.from({ length: one.epochs }, (_, epoch) => requestOf(epoch, 1));
    const table = requests.flatMap(({ learningRates }) => [...learningRates]);
    const beta = requests.flatMap(({ momenta }) => [...momenta!]);
    const plan = Uint32Array.from(requests.flatMap(({ trainedStages }) => [...trainedStages]));
    assert.equal(table.length, 4 * plan.length);
    const phases = atUnfreeze === 'restart' ? phasesOf(plan) : [[0, plan.length] as const];
    for (const [first, end] of phases) {
      const rates = learningRates(policy, one.lr as number, end - first);
      const moving = momenta(policy, end - first)!;
      for (let step = first; step < end; step++) {
        assert.equal(beta[step], moving[step - first]);
        for (const [stage, factor] of [0.125, 0.25, 0.5, 1].entries())
          assert.equal(table[4 * step + stage], Math.fround(rates[step - first]! * factor));
      }
    }
  }
});

/** Steps [first, end) of an epoch. */
function part(request: NativeTrainRequest, batch: number, first: number, end: number): NativeTrainRequest {
  const stages = request.learningRates.length / request.trainedStages.length;
  return {
    ...request,
    order: request.order.subarray(first * batch, end * batch),
    learningRates: request.learningRates.subarray(first * stages, end * stages),
    ...(request.momenta === undefined ? {} : { momenta: request.momenta.subarray(first, end) }),
    trainedStages: request.trainedStages.subarray(first, end),
  };
}

test('a gradual training goes on from a snapshot bit for bit, at the start of a phase and within it', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const momentum = { minimum: 0.85, maximum: 0.95 };
  const one: TrialSpec = {
    ...{ ...fullSpec, n: 80, batch: 16, epochs: 3, dropout: 0.3, strategy: 'gradual:block2@0.2,0@0.4' },
    policy: { kind: 'one-cycle', warmup: 0.3, startDivisor: 25, finalDivisor: 1e4, momentum },
    network: { ...network, atUnfreeze: 'restart', discriminative: 0.5 },
  };
  assert.ok(isNetworkTrial(one));
  const [ready] = prepareTrials(inputs, [one]).ready;
  await using undisturbed = openNetwork(inputs, one, ready!);
  const requestOf = passRequests(undisturbed.stages, inputs.task, one, ready!);
  for (let epoch = 0; epoch < one.epochs; epoch++) await undisturbed.train(requestOf(epoch, 1));
  const expected = Buffer.from(await undisturbed.snapshot());
  // 15 steps: phases begin at 3 and 6; steps 5 and 10 begin an epoch.
  const plan = requestOf(0, 1).trainedStages;
  assert.deepEqual(
    [...plan].map((mask, step) => step > 0 && mask !== plan[step - 1]),
    [false, false, false, true, false],
  );
  for (const stop of [3, 4, 6, 8]) {
    const states: Uint8Array[] = [];
    for (const [begin, end] of [
      [0, stop],
      [stop, 15],
    ] as const) {
      await using network = openNetwork(inputs, one, ready!);
      if (states.length > 0) await network.restore(states[0]!);
      for (let epoch = 0; epoch < one.epochs; epoch++) {
        const [first, last] = [Math.max(begin - 5 * epoch, 0), Math.min(end - 5 * epoch, 5)];
        if (first < last) await network.train(part(requestOf(epoch, 1), one.batch, first, last));
      }
      states.push(await network.snapshot());
    }
    assert.ok(expected.equals(states[1]!), `stopped before step ${stop}`);
  }
});
