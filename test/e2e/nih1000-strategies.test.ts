import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithout } from '../shared-data.js';
import { readTrials, temporaryFolder, thaw } from './thaw.js';

const config = fileURLToPath(new URL('nih1000-strategies.yaml', import.meta.url));
const skip = skipWithout('data/nih1000', 'weights/squeezenet1_1_imagenet');

test('1,000 radiographs, ImageNet SqueezeNet: heads, last block and whole network', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const { status, stderr } = await thaw(['sweep', config, '--out', 'run', '--cache', 'cache'], folder);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /6 trials done, 0 failed/);
  const rows = readTrials(join(folder, 'run'));
  assert.deepEqual(
    rows.map(({ strategy, cut, n_requested: n }) => `${strategy} ${cut} ${n}`).sort(),
    ['extractor pooled', 'full none', 'last-block block2'].flatMap((one) => [`${one} 100`, `${one} all`]),
  );
  for (const row of rows) {
    assert.ok(Number(row.train_s) > 0 && Number(row.train_images_per_s) > 0, row.strategy);
    assert.equal(row.augment !== 'none' && row.augment !== '', row.strategy === 'full');
    // Chance is 0.5; with about 100 images of each kind the standard error is 0.04 (Hanley & McNeil, 1982).
    if (row.n_requested === 'all')
      assert.ok(Number(row.auroc_test) > 0.55, `${row.strategy}: ${row.auroc_test}`);
  }
  const seconds = (strategy: string) =>
    rows.filter((row) => row.strategy === strategy).reduce((sum, row) => sum + Number(row.train_s), 0);
  assert.ok(seconds('extractor') < seconds('last-block') && seconds('last-block') < seconds('full'));
});
