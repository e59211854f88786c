import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithout } from '../shared-data.js';
import { readTrials, temporaryFolder, thaw } from './thaw.js';

const config = fileURLToPath(new URL('pneumoniamnist.yaml', import.meta.url));
const skip = skipWithout('data/medmnist', 'weights/squeezenet1_1_imagenet');

test('PneumoniaMNIST: published counts, copies between its splits, and heads on frozen features', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  const checked = await thaw(['data', 'check', config, '--json', '--tables-only'], folder);
  assert.equal(checked.status, 0, checked.stderr);
  const [first] = JSON.parse(checked.stdout) as {
    splits: Record<'train' | 'validation' | 'test', { images: number; positives: number[] }>;
  }[];
  const { train, validation, test: held } = first!.splits;
  assert.deepEqual([train.images, validation.images, held.images], [4708, 524, 624]);
  // As published: 3,494, 389 and 390 with pneumonia.
  assert.deepEqual(
    [train, validation, held].map(({ positives }) => positives[1]),
    [3494, 389, 390],
  );

  const only = ['--filter', 'strategy=extractor seed=0', '--out', 'run', '--cache', 'cache'];
  const sized = (duplicates: string) => [
    ...['--set', 'data.at224.image.size=64'],
    ...['--set', `data.at224.duplicates=${duplicates}`],
  ];
  const refused = await thaw(['sweep', config, ...sized('error'), ...only], folder);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /pneumoniamnist\.npz\/train\/\d+ .*pneumoniamnist\.npz\/val\/\d+/);
  assert.match(refused.stderr, /duplicates/);

  const swept = await thaw(['sweep', config, ...sized('drop'), ...only], folder);
  assert.equal(swept.status, 0, swept.stderr);
  const [trial] = readTrials(join(folder, 'run'));
  // Nine training images are copies of validation images or of each other's; the test set stays whole.
  assert.ok(Number(trial!.train_images) < 4708 && Number(trial!.train_images) > 4680, trial!.train_images);
  assert.ok(Number(trial!.auroc_test) > 0.85, trial!.auroc_test);
});
