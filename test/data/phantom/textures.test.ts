import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDataset, type TexturesSource } from '../../../src/data/load.js';

const source = (more: Partial<TexturesSource> = {}): TexturesSource => ({
  kind: 'textures',
  images: 40,
  size: 32,
  seed: 1,
  classes: 20,
  ...more,
});
const load = (more: Partial<TexturesSource> = {}) => loadDataset('textures', source(more));

test('equal settings give equal bytes in any order', async () => {
  const [first, second, other] = await Promise.all([load(), load(), load({ seed: 2 })]);
  assert.equal(await first.embedded!.identity(), await second.embedded!.identity());
  assert.notEqual(await first.embedded!.identity(), await other.embedded!.identity());
  const forwards = [];
  for (let row = 0; row < 40; row++) forwards.push((await first.embedded!.read(row)).data);
  for (let row = 39; row >= 0; row--)
    assert.deepEqual((await second.embedded!.read(row)).data, forwards[row]);
});

test('every image has one class, classes are equally common', async () => {
  for (const [images, classes] of [
    [41, 20],
    [64, 64],
  ] as const) {
    const { labels, labelNames, exclusive, entries } = await load({ images, classes });
    assert.ok(exclusive);
    assert.equal(new Set(labelNames).size, classes);
    assert.equal(new Set(entries.map(({ patient }) => patient)).size, images);
    const counts = new Array<number>(classes).fill(0);
    for (const [row, { path }] of entries.entries()) {
      const own = labels.subarray(row * classes, (row + 1) * classes);
      assert.equal(
        own.reduce((sum, value) => sum + value, 0),
        1,
      );
      assert.ok(path.startsWith(`${labelNames[own.indexOf(1)]}/`), path);
      counts[own.indexOf(1)]!++;
    }
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
  }
});

test('no image is flat, and no two of a class are alike', async () => {
  const { embedded, labels } = await load({ images: 128, classes: 64 });
  const seen = new Set<string>();
  for (let row = 0; row < 128; row++) {
    const data = (await embedded!.read(row)).data as Uint8Array;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
    const name = labels.subarray(row * 64, (row + 1) * 64).indexOf(1);
    assert.ok(deviation > 4, `class ${name}: standard deviation ${deviation}`);
    seen.add(Buffer.from(data).toString('base64'));
  }
  assert.equal(seen.size, 128);
});

test('settings that cannot be are refused', async () => {
  for (const [more, node] of [
    [{ classes: 1 }, 'classes'],
    [{ classes: 65 }, 'classes'],
    [{ images: 0 }, 'images'],
  ] as const) {
    await assert.rejects(load(more), { code: 'CONFIG', message: new RegExp(`^${node}: `) });
  }
});
