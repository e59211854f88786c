import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { sha256 } from '../../src/base/hash.js';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { datasetFingerprint } from '../../src/data/dataset.js';
import { loadDataset, type PhantomSource } from '../../src/data/load.js';
import { drawAnatomy, drawRadiograph, type Findings } from '../../src/data/phantom-radiograph.js';
import { folderWith } from './fixture.js';

const SIZE = 64;
const source = (root: string, more: Partial<PhantomSource> = {}): PhantomSource => ({
  kind: 'phantom',
  root,
  images: 240,
  patients: 80,
  size: SIZE,
  seed: 7,
  prevalence: 0.3,
  ...more,
});

const digest = (root: string) =>
  sha256(
    readdirSync(join(root, 'images'))
      .sort()
      .map((name) => sha256(readFileSync(join(root, 'images', name))))
      .join(),
  );

test('equal settings give equal bytes, other seeds other ones; a complete set is left alone', async (t) => {
  const first = await loadDataset('p', source(folderWith(t, {}), { images: 30, patients: 10 }));
  const second = await loadDataset('p', source(folderWith(t, {}), { images: 30, patients: 10 }));
  assert.equal(digest(first.root), digest(second.root));
  assert.equal(datasetFingerprint(first), datasetFingerprint(second));
  const other = await loadDataset('p', source(dirname(first.root), { images: 30, patients: 10, seed: 8 }));
  assert.notEqual(other.root, first.root);
  assert.notEqual(digest(other.root), digest(first.root));
  const file = join(first.root, first.entries[0]!.path);
  const written = statSync(file).mtimeMs;
  await loadDataset('p', source(dirname(first.root), { images: 30, patients: 10 }));
  assert.equal(statSync(file).mtimeMs, written);
});

test('what a killed run left is drawn again', async (t) => {
  const whole = await loadDataset('p', source(folderWith(t, {}), { images: 12, patients: 4 }));
  const id = basename(whole.root);
  const root = folderWith(t, {
    [`${id}.partial/images/P00001_000.png`]: 'half',
    [`${id}.partial/images/old.png`]: '',
  });
  const again = await loadDataset('p', source(root, { images: 12, patients: 4 }));
  assert.equal(digest(again.root), digest(whole.root));
  assert.deepEqual(readdirSync(root), [id]);
});

test('several processes may ask for it at once', async (t) => {
  const root = folderWith(t, {});
  const sets = await Promise.all(
    [1, 2, 3].map(() => loadDataset('p', source(root, { images: 12, patients: 4 }))),
  );
  assert.equal(new Set(sets.map((set) => set.root)).size, 1);
  assert.equal(readdirSync(join(sets[0]!.root, 'images')).length, 12);
});

test('files are 8-bit grey PNG of the asked size; every patient has an image', async (t) => {
  const dataset = await loadDataset('p', source(folderWith(t, {}), { images: 20, patients: 8, size: 40 }));
  assert.equal(dataset.entries.length, 20);
  assert.equal(new Set(dataset.entries.map(({ patient }) => patient)).size, 8);
  for (const { path } of dataset.entries) {
    const { format, width, height, channels, depth } = await sharp(join(dataset.root, path)).metadata();
    assert.deepEqual(
      { format, width, height, channels, depth },
      { format: 'png', width: 40, height: 40, channels: 1, depth: 'uchar' },
    );
  }
});

test('impossible settings are refused', async (t) => {
  const root = folderWith(t, {});
  for (const more of [{ images: 0 }, { patients: 300 }, { patients: 0 }, { size: 4 }, { prevalence: 1.5 }]) {
    await assert.rejects(loadDataset('p', source(root, more)), { code: 'CONFIG' });
  }
});

test('findings have the asked prevalence', async (t) => {
  const dataset = await loadDataset('p', source(folderWith(t, {}), { images: 600, patients: 300, size: 16 }));
  assert.deepEqual(dataset.labelNames, ['Opacity', 'Effusion', 'Cardiomegaly']);
  for (let column = 0; column < 3; column++) {
    const share = dataset.entries.filter((_, row) => dataset.labels[3 * row + column] === 1).length / 600;
    assert.ok(Math.abs(share - 0.3) < 0.08, `${dataset.labelNames[column]}: ${share}`);
  }
  const heartOf = new Map<string, number>();
  for (const [row, { patient }] of dataset.entries.entries()) {
    const wide = dataset.labels[3 * row + 2]!;
    assert.equal(heartOf.get(patient) ?? wide, wide, 'a wide heart belongs to the patient');
    heartOf.set(patient, wide);
  }
});

const none: Findings = { opacity: false, effusion: false, cardiomegaly: false };

/** What a finding adds to an otherwise equal image, noise included: total grey levels and their centre (0 to 1). */
function traceOf(finding: keyof Findings, image: number) {
  const anatomy = drawAnatomy(new RandomStream(3, STREAM.phantom, image));
  const healthy = drawRadiograph(anatomy, none, SIZE, 3, image);
  const ill = drawRadiograph(anatomy, { ...none, [finding]: true }, SIZE, 3, image);
  let [sum, x, y, darker] = [0, 0, 0, 0];
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    const difference = ill[pixel]! - healthy[pixel]!;
    if (difference < 0) darker++;
    sum += difference;
    x += (difference * ((pixel % SIZE) + 0.5)) / SIZE;
    y += (difference * (Math.floor(pixel / SIZE) + 0.5)) / SIZE;
  }
  return { sum, x: x / sum, y: y / sum, darker };
}

test('each finding brightens the place it belongs to', () => {
  for (let image = 0; image < 100; image++) {
    const opacity = traceOf('opacity', image);
    const effusion = traceOf('effusion', image);
    const heart = traceOf('cardiomegaly', image);
    assert.ok(opacity.sum > 800 && effusion.sum > 100 && heart.sum > 1000, `image ${image} shows too little`);
    assert.ok(opacity.darker === 0 && effusion.darker === 0);
    assert.ok(Math.abs(opacity.x - 0.5) > 0.08 && opacity.y < 0.7, 'an opacity lies in a lung');
    assert.ok(
      Math.abs(effusion.x - 0.5) > 0.12 && effusion.y > 0.55,
      'an effusion lies at the base of a lung',
    );
    assert.ok(Math.abs(heart.x - 0.55) < 0.12 && heart.y > 0.5 && heart.y < 0.75, 'the heart lies between');
  }
});
