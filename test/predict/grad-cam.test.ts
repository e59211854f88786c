import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import type { Graph } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { findTrunk, nodesBefore } from '../../src/model/stages.js';
import { gradCam } from '../../src/predict/grad-cam.js';
import { HeadChain } from '../../src/predict/head-chain.js';
import { infernoColours, overlay } from '../../src/predict/overlay.js';
import { placementOf } from '../../src/predict/placement.js';
import { largestDifference, runOnnx, waves } from '../model/run-onnx.js';

interface Golden {
  readonly channels: number;
  readonly logits: readonly number[];
  readonly maps: readonly { height: number; width: number; values: readonly number[] }[];
  readonly enlarged: readonly number[];
}

const folder = fileURLToPath(new URL('golden', import.meta.url));
const golden = JSON.parse(readFileSync(`${folder}/grad-cam.json`, 'utf8')) as Record<string, Golden>;
const SIZE = 16;

async function openNetwork(name: string): Promise<{ chain: HeadChain; map: Float32Array }> {
  const graph = await readOnnx(`${folder}/${name}.onnx`);
  const { end } = findTrunk(graph);
  const trunk: Graph = { ...graph, output: end, nodes: nodesBefore(graph, end) };
  const shape = [1, 1, SIZE, SIZE];
  const { values } = await runOnnx(writeOnnx(trunk), waves(shape), shape);
  return { chain: HeadChain.behind(graph, end), map: values };
}

/** Difference in units of the largest value: values near 0 would agree with anything. */
function relative(received: ArrayLike<number>, expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs));
  const scaled = (values: ArrayLike<number>) => Array.from(values, (value) => value / largest);
  return largestDifference(scaled(received), scaled(expected));
}

for (const [name, { logits, maps, channels, enlarged }] of Object.entries(golden)) {
  test(`heat maps of the ${name} network are those of PyTorch's gradients`, async () => {
    const { chain, map } = await openNetwork(name);
    assert.equal(chain.mapShape[0], channels);
    assert.ok(largestDifference(chain.at(map).logits, logits) < 1e-5);
    let compared = 0;
    for (const [output, { height, width, values }] of maps.entries()) {
      const heat = gradCam(chain, map, output);
      assert.deepEqual([heat.height, heat.width], [height, width]);
      if (values.every((value) => value === 0)) {
        assert.ok(heat.values.every((value) => value === 0));
        continue;
      }
      compared++;
      assert.ok(relative(heat.values, values) < 1e-4, `output ${output}`);
    }
    assert.ok(compared > 0);
    // Black to white by the heat, on black: a pixel shows share × level.
    const heat = gradCam(chain, map, 0);
    const image = { width: 23, height: 19, channels: 3, data: new Uint8Array(3 * 19 * 23) } as const;
    const ramp = Uint8Array.from({ length: 768 }, (_, index) => Math.floor(index / 3));
    const images = { size: SIZE, geometry: 'fill', channels: 1 } as const;
    const drawn = overlay(image, heat, placementOf(image, { images, augment: NO_AUGMENT }), ramp);
    const highest = Math.max(...maps[0]!.values);
    for (const [pixel, value] of enlarged.entries()) {
      const share = value / highest;
      assert.ok(Math.abs(drawn[3 * pixel]! - 0.6 * share * 255 * share) < 1.2, `pixel ${pixel}`);
    }
  });
}

test('a map that nothing speaks for leaves the image as it is', () => {
  const data = Uint8Array.from({ length: 27 }, (_, index) => index);
  const image = { width: 3, height: 3, channels: 3, data } as const;
  const placement = { x: { scale: 1, offset: 0 }, y: { scale: 1, offset: 0 }, side: 3 };
  const none = { width: 1, height: 1, values: Float64Array.of(0) };
  assert.deepEqual(overlay(image, none, placement, new Uint8Array(768)), data);
});

test('heads that cannot be differentiated are refused by node', async () => {
  const graph = await readOnnx(`${folder}/convolved.onnx`);
  const { end } = findTrunk(graph);
  assert.throws(() => HeadChain.behind(graph, graph.input), {
    code: 'MODEL',
    message: /no heat map can be made: a convolution of 3 × 3 pixels/,
  });
  const nodes = graph.nodes.flatMap((node) =>
    node.output === graph.output
      ? [
          { ...node, output: 'before' },
          { op: 'add', name: 'twice', inputs: ['before', 'before'], output: graph.output } as const,
        ]
      : [node],
  );
  assert.throws(() => HeadChain.behind({ ...graph, nodes }, end), {
    message: /twice: no heat map can be made: the layers behind the last map do not follow one after another/,
  });
});

/** CIE 1976 L* of sRGB. */
function lightness(red: number, green: number, blue: number): number {
  const linear = [red, green, blue].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance > 0.008856 ? 116 * Math.cbrt(luminance) - 16 : 903.3 * luminance;
}

test('the colours grow lighter in even steps', async () => {
  const table = await infernoColours();
  const levels = Array.from({ length: 256 }, (_, level) =>
    lightness(table[3 * level]!, table[3 * level + 1]!, table[3 * level + 2]!),
  );
  assert.ok(levels[0]! < 1 && levels[255]! > 95);
  for (let level = 16; level < 256; level += 16) {
    const step = levels[level]! - levels[level - 16]!;
    assert.ok(step > 3 && step < 9, `${step} at ${level}`);
  }
});

test('where an image lies in the input of a network', () => {
  const seen = (size: number, geometry: 'fill' | 'fit' | 'crop', augment = {}) =>
    placementOf(
      { width: 400, height: 200 },
      { images: { size, geometry, channels: 1 }, augment: { ...NO_AUGMENT, ...augment } },
    );
  const place = ({ scale, offset }: { scale: number; offset: number }, ...pixels: number[]) =>
    pixels.map((pixel) => pixel * scale + offset);
  const fill = seen(100, 'fill');
  assert.deepEqual(
    [place(fill.x, 0, 400), place(fill.y, 0, 200)],
    [
      [0, 100],
      [0, 100],
    ],
  );
  // Half as high as wide: margins of a quarter above and below.
  const fit = seen(100, 'fit');
  assert.deepEqual(
    [place(fit.x, 0, 400), place(fit.y, 0, 200)],
    [
      [0, 100],
      [25, 75],
    ],
  );
  // Twice as wide as high: a quarter is cut off at either side.
  const crop = seen(100, 'crop');
  assert.deepEqual(
    [place(crop.x, 100, 300), place(crop.y, 0, 200)],
    [
      [0, 100],
      [0, 100],
    ],
  );
  // The central 80 pixels of 100, then of 50 that were 100.
  const cut = seen(100, 'fill', { size: 80, crop: 'random' });
  assert.deepEqual([place(cut.x, 40, 360), cut.side], [[0, 80], 80]);
  const small = seen(100, 'fill', { resize: 50, size: 40, crop: 'center' });
  assert.deepEqual([place(small.x, 40, 360), small.side], [[0, 40], 40]);
});
