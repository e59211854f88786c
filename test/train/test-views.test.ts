import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import type { FeatureStore } from '../../src/features/store.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { trainNetworks } from '../../src/train/network-trials.js';
import { averaged, storedViews, viewsOf } from '../../src/train/test-views.js';
import type { TrialSpec } from '../../src/train/trial.js';
import type { HeadTrialInputs } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, lastBlockSpec, networkInputs, SIZE } from './made-networks.js';
import { COLUMNS, inputsOf, type Made, numbers, spec, trained } from './made-trials.js';

const flipped: TrialSpec = { ...spec, testViews: 'flip' };
const augment = { ...NO_AUGMENT, flip: 0.5 };

function close(received: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(received.length, expected.length);
  const worst = received.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differ by ${worst}`);
}

function finding(): Made {
  const next = numbers(3);
  return {
    rows: 200,
    labelNames: ['finding'],
    labels: (row) => [row % 3 === 0 ? 1 : 0],
    features: (_, [label]) => Array.from({ length: COLUMNS }, () => next() + 0.4 * label!),
    rule: { kind: 'binary', positive: 'finding' },
  };
}

/** The store of `inputs` with another number for every one of its numbers. */
function changedStore(
  { features }: HeadTrialInputs,
  name: string,
  change: (value: number) => number,
): FeatureStore {
  const values = new Float32Array(new Uint8Array(readFileSync(features.dataPath)).buffer);
  const dataPath = `${features.dataPath}.${name}`;
  writeFileSync(dataPath, new Uint8Array(values.map(change).buffer));
  return { ...features, dataPath };
}

test('views by spec: none, flip and passes', () => {
  assert.deepEqual(viewsOf(spec), ['identity']);
  assert.deepEqual(storedViews(spec), ['identity']);
  assert.deepEqual(viewsOf(flipped), ['identity', 'hflip']);
  const passes = { ...spec, testViews: { passes: 2, augment, seed: 9 } };
  const drawn = [
    { augment, seed: 9, pass: 0 },
    { augment, seed: 9, pass: 1 },
  ];
  assert.deepEqual(viewsOf(passes), drawn);
  assert.deepEqual(storedViews(passes), ['identity', ...drawn]);
  assert.deepEqual([...averaged([Float32Array.of(1, 2), Float32Array.of(3, 6)])], [2, 4]);
});

test('a head sees the mean of its logits on all views: it is linear, so that of the mean features', async (t) => {
  const inputs = inputsOf(t, finding());
  // Mean of x and 3 x + 2 is 2 x + 1.
  const otherViews = [changedStore(inputs, 'other', (value) => 3 * value + 2)];
  const mean = changedStore(inputs, 'mean', (value) => 2 * value + 1);
  const passes: TrialSpec = { ...spec, testViews: { passes: 1, augment, seed: 0 } };
  const [plain, both, alone] = await Promise.all([
    trainHeads({ ...inputs, features: inputs.features }, [spec]),
    trainHeads({ ...inputs, otherViews }, [flipped]),
    trainHeads({ ...inputs, otherViews: [mean] }, [passes]),
  ]);
  const logits = trained(both!, flipped).testLogits;
  close(logits, trained(alone!, passes).testLogits, 1e-4);
  assert.notDeepEqual(logits, trained(plain!, spec).testLogits);
  // The same features twice change nothing.
  const twice = trained(await trainHeads({ ...inputs, otherViews: [inputs.features] }, [flipped]), flipped);
  close(twice.testLogits, trained(plain!, spec).testLogits, 1e-5);
  assert.equal(twice.result.validation.auroc, trained(plain!, spec).result.validation.auroc);
});

test('a network sees the mean of its logits on all views of the images', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const logitsOf = async (testViews?: TrialSpec['testViews'], changes: Partial<TrialSpec> = {}) => {
    const one = { ...fullSpec, epochs: 2, ...(testViews === undefined ? {} : { testViews }), ...changes };
    return trained(await trainNetworks(inputs, [one]), one).testLogits;
  };
  const plain = await logitsOf();
  const both = await logitsOf('flip');
  // Two draws without chance are the image twice; one that always mirrors, and the image, are both views.
  const still = { ...NO_AUGMENT, crop: 'center', size: SIZE } as const;
  close(await logitsOf({ passes: 2, augment: still, seed: 1 }), plain, 1e-5);
  const mirrored = await logitsOf({ passes: 1, augment: { ...NO_AUGMENT, flip: 1 }, seed: 1 });
  close(averaged([plain, mirrored]), both, 1e-4);
  assert.notDeepEqual(mirrored, plain);
  const smaller = { ...NO_AUGMENT, crop: 'center', size: SIZE - 4 } as const;
  const [outcome] = await trainNetworks(inputs, [
    { ...fullSpec, epochs: 1, testViews: { passes: 1, augment: smaller, seed: 0 } },
  ]);
  assert.ok(outcome?.status === 'failed');
  assert.match(outcome.error.message, /testViews: expected views of 12 × 12 pixels.*received 8 × 8/);
});

test('the last block sees the activations of the other views', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40), { features: 'float32' });
  const one: TrialSpec = { ...lastBlockSpec, epochs: 2, testViews: 'flip' };
  const plainSpec: TrialSpec = { ...lastBlockSpec, epochs: 2 };
  const plain = trained(await trainNetworks(inputs, [plainSpec]), plainSpec).testLogits;
  const same = { ...inputs, otherViews: [inputs.features!] };
  close(trained(await trainNetworks(same, [one]), one).testLogits, plain, 1e-5);
});
