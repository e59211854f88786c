import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addon, type NativeAssembleOptions } from '../../src/engine/addon.js';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { nativeView, type View, viewSide } from '../../src/features/view.js';
import { fileOf } from './bank.js';

/** Two images of 2 × 2 pixels, RGB. */
const pixels = Uint8Array.of(
  255,
  0,
  0,
  0,
  255,
  0,
  0,
  0,
  255,
  10,
  20,
  30,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
);

function optionsOf(changes: Partial<NativeAssembleOptions> = {}): NativeAssembleOptions {
  return {
    images: { path: fileOf(pixels), rows: 2, columns: 12, dtype: 'uint8' },
    size: 2,
    channels: 3,
    outputChannels: 3,
    order: 'RGB',
    scale: 1 / 255,
    mean: Float32Array.of(0.485, 0.456, 0.406),
    std: Float32Array.of(0.229, 0.224, 0.225),
    ...changes,
  };
}

async function assembled(
  options: NativeAssembleOptions,
  rows: number[],
  view: View = 'identity',
): Promise<number[]> {
  const { BatchAssembler } = addon();
  const assembler = new BatchAssembler(options, nativeView(view));
  const out = new Float32Array(rows.length * options.outputChannels * viewSide(view, options.size) ** 2);
  await assembler.assemble(Uint32Array.from(rows), out);
  assembler.dispose();
  return [...out];
}

test('pixels become (pixel · scale − mean) / std, planes in the order of the network', async () => {
  const mean = [0.485, 0.456, 0.406];
  const std = [0.229, 0.224, 0.225];
  const normalised = (planes: number[][]) =>
    planes.flatMap((plane, channel) =>
      plane.map((pixel) => (pixel / 255 - (mean[channel] as number)) / (std[channel] as number)),
    );
  const close = (received: number[], expected: number[]) => {
    assert.equal(received.length, expected.length);
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs((received[i] as number) - value) < 1e-6, `at ${i}`);
  };
  const planes = [
    [255, 0, 0, 10],
    [0, 255, 0, 20],
    [0, 0, 255, 30],
  ];
  close(await assembled(optionsOf(), [0]), normalised(planes));
  close(await assembled(optionsOf({ order: 'BGR' }), [0]), normalised(planes.toReversed()));
  const mirrored = planes.map(([a, b, c, d]) => [b, a, d, c] as number[]);
  close(await assembled(optionsOf(), [0], 'hflip'), normalised(mirrored));
});

test('a drawn view depends on seed, pass and row alone, and is made of the stored pixels', async () => {
  const plain = optionsOf({ mean: new Float32Array(3), std: new Float32Array(3).fill(1), scale: 1 });
  const augment = { ...NO_AUGMENT, flip: 0.5, verticalFlip: 0.5, crop: 'random', pad: 1, size: 3 } as const;
  const view = (pass: number): View => ({ augment, seed: 5, pass });
  const [first, both] = [await assembled(plain, [1], view(0)), await assembled(plain, [0, 1], view(0))];
  assert.equal(first.length, 27);
  assert.deepEqual(both.slice(27), first);
  const stored = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.ok(first.every((value) => stored.has(value)));
  const seen = new Set<string>();
  for (let pass = 0; pass < 40; pass++) seen.add(String(await assembled(plain, [1], view(pass))));
  assert.ok(seen.size >= 12, `${seen.size} of 16 places`);
});

test('rows may repeat and come in any order', async () => {
  const options = optionsOf({ mean: new Float32Array(3), std: new Float32Array(3).fill(1), scale: 1 });
  assert.deepEqual(
    await assembled(options, [1, 0, 1]),
    [
      [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12],
      [255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30],
    ].flatMap((image, i, all) => (i === 0 ? image : [...image, ...(all[0] as number[])])),
  );
});

test('wrong arguments, a second call and a call after dispose are refused', async () => {
  const { BatchAssembler } = addon();
  assert.throws(
    () => new BatchAssembler(optionsOf({ size: 3 }), nativeView('identity')),
    /expected 27 for images.columns but received 12/,
  );
  assert.throws(
    () => new BatchAssembler(optionsOf({ mean: new Float32Array(1) }), nativeView('identity')),
    /expected a Float32Array of length 3 for mean but received Float32Array of length 1/,
  );
  const assembler = new BatchAssembler(optionsOf(), nativeView('identity'));
  const out = new Float32Array(12);
  assert.throws(() => void assembler.assemble(Uint32Array.of(2), out), /expected rows below 2 for rows/);
  assert.throws(
    () => void assembler.assemble(Uint32Array.of(0, 1), out),
    /Float32Array of length 24 for out/,
  );
  const working = assembler.assemble(Uint32Array.of(0), out);
  assert.throws(() => void assembler.assemble(Uint32Array.of(0), out), { code: 'BUSY' });
  await working;
  assembler.dispose();
  assembler.dispose();
  assert.throws(() => void assembler.assemble(Uint32Array.of(0), out), /has been disposed/);
});

test('half precision as numpy rounds it', async () => {
  const golden = JSON.parse(readFileSync(new URL('golden/half.json', import.meta.url), 'utf8')) as {
    values: number[];
    halves: number[];
  };
  const halves = new Uint16Array(golden.values.length);
  await addon().convertToHalf(Float32Array.from(golden.values), halves);
  assert.deepEqual([...halves], golden.halves);
  assert.throws(
    () => void addon().convertToHalf(new Float32Array(3), new Uint16Array(2)),
    /expected a Uint16Array of length 3 for target but received Uint16Array of length 2/,
  );
});
