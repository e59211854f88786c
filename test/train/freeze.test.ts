import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezePlan, freezeRule, halfOf, phasesOf, stageFactors } from '../../src/train/freeze.js';
import { isNetworkTrial, openNetwork } from '../../src/train/network-setup.js';
import { trainEpochs } from '../../src/train/network-training.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import { rateTable } from '../../src/train/schedule.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { prepareTrials } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, network, networkInputs } from './made-networks.js';
import { trained } from './made-trials.js';

const DENSENET = ['stem', 'block1', 'block2', 'block3', 'block4', 'head'];
const HEAD = 0b100000;
const ALL = 0b111111;
const plan = (strategy: TrialSpec['strategy'], steps: number, stepsPerEpoch = 1) => [
  ...freezePlan(strategy as 'full', DENSENET, steps, stepsPerEpoch),
];

test('last-block, full and none train every stage of their network in every step', () => {
  assert.deepEqual([...freezePlan('last-block', ['block4', 'head'], 3, 1)], [0b11, 0b11, 0b11]);
  assert.deepEqual(plan('full', 2), [ALL, ALL]);
  assert.deepEqual(plan('none', 2), [ALL, ALL]);
  // The engine takes stages 0 to 31: all bits of a word.
  const many = Array.from({ length: 32 }, (_, index) => (index === 31 ? 'head' : `s${index}`));
  assert.deepEqual([...freezePlan('full', many, 1, 1)], [0xffffffff]);
});

test('a stage by number or name: it and all behind it, or it alone; the head always', () => {
  for (const stage of ['3', 'block3']) {
    assert.deepEqual(plan(`stage:${stage}`, 1), [0b111000]);
    assert.deepEqual(plan(`surgical:${stage}`, 1), [0b101000]);
  }
  assert.deepEqual(plan('surgical:0', 1), [0b100001]);
  assert.throws(() => plan('stage:5', 1), /no stage "5".*Its stages: stem, block1, .*\(0 to 4\)/);
  assert.throws(() => plan('surgical:head', 1), { code: 'MODEL' });
});

test("gradual is the paper's: head, from 10 % the second half, from 20 % everything", () => {
  const steps = plan('gradual', 20);
  assert.deepEqual(steps, [HEAD, HEAD, 0b111000, 0b111000, ...new Array(16).fill(ALL)]);
  assert.deepEqual(plan('gradual:block4@0.25,1@0.5', 4), [HEAD, 0b110000, 0b111110, 0b111110]);
  assert.deepEqual(plan('ulmfit', 14, 2), [
    ...[HEAD, HEAD, 0b110000, 0b110000, 0b111000, 0b111000, 0b111100, 0b111100],
    ...[0b111110, 0b111110, ALL, ALL, ALL, ALL],
  ]);
  assert.deepEqual(plan('lp-ft', 4), [HEAD, HEAD, ALL, ALL]);
  assert.deepEqual(plan('lp-ft:0.25', 4), [HEAD, ALL, ALL, ALL]);
});

test('progressive: the head, then one stage more, in phases of equal length', () => {
  const phases = [HEAD, 0b110000, 0b111000, 0b111100, 0b111110, ALL];
  assert.deepEqual(
    plan('progressive', 12),
    phases.flatMap((mask) => [mask, mask]),
  );
  // Phases of 1 and 2 steps where they do not come out even; a training of fewer steps than stages leaves some out.
  assert.deepEqual(phasesOf(Uint32Array.from(plan('progressive', 8))).length, 6);
  assert.deepEqual(plan('progressive', 3), [HEAD, 0b111000, 0b111110]);
  assert.deepEqual(plan('auto-rgn', 2), [ALL, ALL]);
});

test('words that are no strategies', () => {
  for (const word of [
    ...['extractor', 'ful', 'full:1', 'stage', 'stage:', 'surgical:a b', 'lp-ft:0', 'lp-ft:1', 'lp-ft:x'],
    ...[
      'gradual:',
      'gradual:3',
      'gradual:3@0',
      'gradual:3@0.5,0@0.5',
      'gradual:3@0.5@0.6',
      'ulmfit:2',
      'progressive:2',
      'auto-rgn:1',
    ],
  ])
    assert.equal(freezeRule(word), undefined, word);
});

test('phases are the runs of equal steps', () => {
  assert.deepEqual(phasesOf(Uint32Array.of(1, 1, 3, 7, 7)), [
    [0, 2],
    [2, 3],
    [3, 5],
  ]);
  assert.deepEqual(phasesOf(new Uint32Array(0)), []);
});

test("factors by stage: geometric, the paper's three groups, or one each", () => {
  assert.equal(halfOf(DENSENET), 3);
  assert.deepEqual(stageFactors(0.5, ['a', 'b', 'head']), [0.25, 0.5, 1]);
  const [ninth, third] = [1 / 9, 1 / 3];
  assert.deepEqual(stageFactors([ninth, third, 1], DENSENET), [ninth, ninth, ninth, third, third, 1]);
  assert.deepEqual(stageFactors([1, 2, 3, 4, 5, 6], DENSENET), [1, 2, 3, 4, 5, 6]);
  assert.throws(() => stageFactors([1, 2, 3, 4], DENSENET), /expected 3 or 6 factors, received 4/);
});

test('a table of learning rates has a row a step, each stage with its factor', () => {
  assert.deepEqual([...rateTable(Float32Array.of(0.5, 0.25), [1, 0.5, 0])], [0.5, 0.25, 0, 0.25, 0.125, 0]);
});

/** The stages of the tiny network (stem, block1, block2, head) of which any weight has moved, after all epochs. */
async function movedStages(inputs: NetworkTrialInputs, spec: TrialSpec): Promise<string> {
  assert.ok(isNetworkTrial(spec));
  const [trial] = prepareTrials(inputs, [spec]).ready;
  // bf16 or not, batch norms included: what is frozen keeps its bits.
  const trainedNetwork = openNetwork(inputs, spec, trial!);
  const before = trainedNetwork.weights();
  await trainEpochs(trainedNetwork, inputs.task, spec, trial!, {});
  const after = trainedNetwork.weights();
  trainedNetwork.dispose();
  // A transition is of the block behind it, the last norm of the last block.
  const stageOf = (name: string) =>
    /block1|block2|classifier/.exec(name)?.[0] ?? (/transition1|norm5/.test(name) ? 'block2' : 'stem');
  const moved = new Set<string>();
  for (const [name, values] of before)
    if (!Buffer.from(values.buffer).equals(Buffer.from(after.get(name)!.buffer))) moved.add(stageOf(name));
  return [...moved].sort().join(' ');
}

test('what a plan leaves frozen keeps its bits, what it trains moves', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const select = 'loss' as const;
  const one = { ...fullSpec, select, epochs: 1 };
  assert.equal(await movedStages(inputs, { ...one, strategy: 'surgical:block1' }), 'block1 classifier');
  assert.equal(await movedStages(inputs, { ...one, strategy: 'stage:2' }), 'block2 classifier');
  assert.equal(await movedStages(inputs, { ...one, strategy: 'ulmfit' }), 'classifier');
  assert.equal(await movedStages(inputs, { ...one, strategy: 'full' }), 'block1 block2 classifier stem');
});

test('every strategy learns a bright corner, and each is a training of its own', async (t) => {
  const inputs = await networkInputs(t, brightCorner(60));
  const strategies = [
    ...(['full', 'none', 'stage:1', 'surgical:0', 'gradual', 'progressive', 'ulmfit', 'auto-rgn'] as const),
    'lp-ft:0.3' as const,
  ];
  const specs = strategies.map((strategy): TrialSpec => ({ ...fullSpec, strategy }));
  const discriminative: TrialSpec = { ...fullSpec, network: { ...network, discriminative: 1 / 3 } };
  const restarted: TrialSpec = {
    ...fullSpec,
    strategy: 'gradual',
    policy: { kind: 'cosine', final: 0 },
    network: { ...network, atUnfreeze: 'restart', discriminative: [1 / 9, 1 / 3, 1] },
  };
  const all = [...specs, discriminative, restarted];
  const outcomes = await trainNetworks(inputs, all);
  const logits = all.map((spec) => trained(outcomes, spec));
  for (const { spec, result } of logits)
    assert.ok(result.test.auroc! > 0.9, `${spec.strategy}: ${result.test.auroc}`);
  const different = new Set(logits.map(({ testLogits }) => Buffer.from(testLogits.buffer).toString('hex')));
  assert.equal(different.size, all.length);
});

test('a stage that a network does not have fails its trials alone, by name', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const specs: TrialSpec[] = [
    { ...fullSpec, epochs: 1, strategy: 'stage:block7' },
    { ...fullSpec, epochs: 1, network: { ...network, discriminative: [1, 1, 1, 1, 1] } },
    { ...fullSpec, epochs: 1 },
  ];
  const outcomes = await trainNetworks(inputs, specs);
  const errors = outcomes.map((outcome) => (outcome.status === 'failed' ? outcome.error.message : 'ok'));
  assert.match(errors[0]!, /block7: the network has no stage "block7"/);
  assert.match(errors[1]!, /discriminative: expected 3 or 4 factors, received 5/);
  assert.equal(errors[2], 'ok');
});
