import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageStream, setStream } from '../../../src/data/sources/phantom/draws.js';
import { expose } from '../../../src/data/sources/phantom/exposure.js';
import { type Positioning, Projection } from '../../../src/data/sources/phantom/projection.js';
import { shrink } from '../../../src/data/sources/phantom/resolution.js';
import { sweepTube } from '../../../src/data/sources/phantom/tube.js';

const straight: Positioning = {
  ...{ field: 40, sourceDistance: 180, detectorDistance: 15, facing: 1 },
  ...{ turn: 0, roll: 0, shiftX: 0, shiftY: 0 },
};

test('without scatter, noise and blur the grey level is the sigmoid of the attenuation', () => {
  const size = 32;
  const line = Float32Array.from({ length: size * size }, (_, i) => 1 + 3 * ((i % size) / (size - 1)));
  const exposure = { scatter: 0, quanta: 1e30, blur: 0, equalisation: 0, centre: 0.2, width: 0.5 };
  const grey = expose(line, size, exposure, setStream(1));
  // The mean over the middle half, columns 8 to 23.
  const mean = 1 + (3 * 15.5) / 31;
  for (const [i, value] of grey.entries()) {
    const expected = 255 / (1 + Math.exp((0.2 - (line[i]! - mean)) / 0.5));
    assert.ok(Math.abs(value - expected) < 0.01, `${value}, not ${expected}`);
  }
});

test('noise is that of counted quanta: the variance of the logarithm is one over the count', () => {
  const size = 128;
  // Transmitting 60 % and 20 %; the mean of the middle is 40 %.
  const transmitted = [0.6, 0.2];
  const line = Float32Array.from(
    { length: size * size },
    (_, i) => -Math.log(transmitted[i % size < 64 ? 0 : 1]!),
  );
  const exposure = { scatter: 0, quanta: 20_000, blur: 0, equalisation: 0, centre: 0, width: 1 };
  const grey = expose(line, size, exposure, imageStream(1, 2, 3));
  for (const [half, share] of transmitted.entries()) {
    const logarithms = [...grey].flatMap((value, i) =>
      i % size < 64 === (half === 0) ? Math.log(value / (255 - value)) : [],
    );
    const mean = logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length;
    const variance = logarithms.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logarithms.length;
    const expected = 1 / ((20_000 * share) / 0.4);
    assert.ok(Math.abs(variance / expected - 1) < 0.06, `${variance}, not ${expected}`);
  }
});

test('scatter lowers the contrast', () => {
  const size = 64;
  const line = Float32Array.from({ length: size * size }, (_, i) => (i % size < size / 2 ? 2 : 4));
  const contrast = (scatter: number) => {
    const exposure = { scatter, quanta: 1e30, blur: 0, equalisation: 0, centre: 0, width: 3 };
    const grey = expose(line, size, exposure, setStream(1));
    return grey[size / 2 + 5]! - grey[size / 2 - 5]!;
  };
  assert.ok(contrast(1) < 0.8 * contrast(0) && contrast(1) > 0);
});

test('magnification is source distance over source-to-object distance; the front is larger from behind', () => {
  const pixelsPerCm = 128 / 40;
  for (const facing of [1, -1] as const) {
    const projection = new Projection({ ...straight, facing }, 128);
    for (const z of [-5, 0, 8]) {
      const { u, scale } = projection.spot(3, 0, z);
      const magnification = 180 / (180 - 15 + facing * z);
      assert.ok(Math.abs(scale - magnification * pixelsPerCm) < 1e-9);
      assert.ok(Math.abs(u - 64 - 3 * magnification * pixelsPerCm) < 1e-9);
    }
  }
});

test('the grid is the projection backwards in the mid-plane', () => {
  const projection = new Projection({ ...straight, roll: 0.2, shiftX: 1.3, shiftY: -2 }, 100);
  const { x0, y0, dx, dy } = projection.grid;
  for (const [row, column] of [
    [0, 0],
    [17, 80],
  ] as const) {
    const { u, v } = projection.spot(x0 + column * dx - row * dy, y0 + column * dy + row * dx, 0);
    assert.ok(Math.abs(u - column - 0.5) < 1e-9 && Math.abs(v - row - 0.5) < 1e-9, `${u}, ${v}`);
  }
});

test('a tube has the area of its cross-section, however thin', () => {
  const size = 64;
  for (const radius of [0.3, 2, 6]) {
    const image = new Float32Array(size * size);
    const [a, b] = [
      { u: 5.2, v: 20.4, scale: 1 },
      { u: 58.1, v: 33.7, scale: 1 },
    ];
    sweepTube(size, a, b, radius, radius, (pixel, distance, r, share) => {
      const drawn = r / Math.sqrt(share);
      assert.ok(drawn >= r);
      image[pixel]! += 2 * r * Math.sqrt(1 - distance) * Math.sqrt(share);
    });
    const volume = image.reduce((sum, value) => sum + value, 0);
    const expected = Math.PI * radius * radius * Math.hypot(b.u - a.u, b.v - a.v);
    assert.ok(Math.abs(volume / expected - 1) < 0.03, `${radius}: ${volume}, not ${expected}`);
  }
});

test('pixels of a smaller image are means', () => {
  assert.deepEqual([...shrink(Float32Array.of(0, 10, 20, 30), 2, 1)], [15]);
});
