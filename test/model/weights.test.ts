import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Parameter } from '../../src/model/graph.js';
import { halfToFloat } from '../../src/model/weights/floats.js';
import { matchWeights } from '../../src/model/weights/match.js';
import { listSafetensors, readSafetensors } from '../../src/model/weights/safetensors.js';
import { zooGraph } from '../../src/model/zoo/index.js';

/** A file of the format: uint64 length of the header, header, data. */
function write(header: unknown, data: Uint8Array = new Uint8Array(), length?: number): string {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length ?? text.length));
  const path = join(mkdtempSync(join(tmpdir(), 'thaw-weights-')), 'weights.safetensors');
  writeFileSync(path, Buffer.concat([size, text, data]));
  return path;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => {
  return { dtype, shape, data_offsets: [begin, end] };
};

test('half-precision numbers have their IEEE 754 values', () => {
  const known: [number, number][] = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of known) assert.equal(halfToFloat(bits), value);
  assert.ok(Object.is(halfToFloat(0x8000), -0));
  assert.ok(Number.isNaN(halfToFloat(0x7e00)));
});

test('safetensors: every float type is read, integers are left out', async () => {
  const data = Buffer.alloc(36);
  data.writeFloatLE(0.5, 0);
  data.writeFloatLE(-3, 4);
  data.writeUInt16LE(0x3c00, 8);
  data.writeUInt16LE(0xc000, 10);
  data.writeUInt16LE(0x3fc0, 12);
  data.writeUInt16LE(0xc040, 14);
  data.writeDoubleLE(0.1, 16);
  data.writeBigInt64LE(7n, 24);
  data.writeFloatLE(9, 32);
  const path = write(
    {
      __metadata__: { format: 'pt' },
      single: entry('F32', [2, 1], 0, 8),
      half: entry('F16', [2], 8, 12),
      brain: entry('BF16', [2], 12, 16),
      double: entry('F64', [1], 16, 24),
      'bn.num_batches_tracked': entry('I64', [], 24, 32),
      scalar: entry('F32', [], 32, 36),
      empty: entry('F32', [0, 3], 36, 36),
    },
    data,
  );
  const tensors = await readSafetensors(path);
  assert.deepEqual(
    [...tensors].map(([name, { shape, data }]) => [name, shape, [...data]]),
    [
      ['single', [2, 1], [0.5, -3]],
      ['half', [2], [1, -2]],
      ['brain', [2], [1.5, -3]],
      ['double', [1], [Math.fround(0.1)]],
      ['scalar', [], [9]],
      ['empty', [0, 3], []],
    ],
  );
  assert.equal((await listSafetensors(path)).length, 7);
});

test('safetensors: broken files are refused with the name of file and tensor', async () => {
  const refused = (path: string, message: RegExp) =>
    assert.rejects(readSafetensors(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'MODEL');
      assert.match(error.message, message);
      assert.match(error.message, /weights\.safetensors/);
      return true;
    });
  const four = new Uint8Array(4);
  await refused(write('', four), /header of 0 bytes/);
  await refused(write('{}', four, 2 ** 40), /header of 1099511627776 bytes does not fit/);
  await refused(write('{"a": ', four), /header is not JSON/);
  await refused(write('[]', four), /not a JSON object/);
  await refused(write({ a: 3 }, four), /tensor "a" expects dtype, shape and two data_offsets/);
  await refused(write({ a: entry('F32', [-1], 0, 4) }, four), /tensor "a" expects dtype/);
  await refused(write({ a: entry('Q4', [1], 0, 4) }, four), /tensor "a" expects element type .*received Q4/);
  await refused(
    write({ a: entry('F32', [2], 0, 4) }, four),
    /tensor "a" expects 8 bytes for F32 \[2\], received 4/,
  );
  await refused(write({ a: entry('F32', [2], 0, 8) }, four), /tensor "a" ends at byte .*truncated/);
  const overlap = { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) };
  await refused(write(overlap, new Uint8Array(8)), /tensor "b" overlaps the bytes of "a"/);
  await assert.rejects(readSafetensors('/nowhere/weights.safetensors'), { code: 'IO' });
});

test('safetensors: a file cut off anywhere is refused', async () => {
  const text = Buffer.from(JSON.stringify({ a: entry('F32', [3], 0, 12) }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const whole = Buffer.concat([size, text, Buffer.alloc(12)]);
  const path = join(mkdtempSync(join(tmpdir(), 'thaw-weights-')), 'weights.safetensors');
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    await assert.rejects(readSafetensors(path), { code: 'MODEL' }, `${length} bytes`);
  }
});

const options = { channels: 3, size: 64, seed: 3 } as const;
const full = () => zooGraph('squeezenet1_1', { ...options, classes: 10 });
const copy = (parameters: ReadonlyMap<string, Parameter>, prefix = '') =>
  new Map([...parameters].map(([name, value]) => [`${prefix}${name}`, value]));

test('weights with a data-parallel prefix are matched, the head is kept when it fits', () => {
  const other = zooGraph('squeezenet1_1', { ...options, classes: 10, seed: 4 });
  const result = matchWeights(full(), copy(other.parameters, 'module.'), 'w');
  assert.equal(result.matched.length, 52);
  assert.deepEqual([result.missing, result.unexpected], [[], []]);
  assert.equal(
    result.graph.parameters.get('classifier.1.weight'),
    other.parameters.get('classifier.1.weight'),
  );
});

test('a head that is absent or of another width is dropped, and said so', () => {
  const features = zooGraph('squeezenet1_1', options);
  const absent = matchWeights(full(), copy(features.parameters), 'w');
  assert.deepEqual(absent.missing, ['classifier.1.weight', 'classifier.1.bias']);
  assert.equal(absent.graph.output, 'features.12/flatten');
  assert.match(absent.notes.join('\n'), /classifier was dropped \(classifier\.1\.weight is absent/);
  const wide = zooGraph('squeezenet1_1', { ...options, classes: 14 });
  const other = matchWeights(full(), copy(wide.parameters), 'w');
  assert.match(other.notes.join('\n'), /classifier\.1\.weight is \[14, 512, 1, 1\], not \[10, 512, 1, 1\]/);
  assert.ok(!other.graph.parameters.has('classifier.1.weight'));
});

test('a backbone with missing or misshapen tensors is refused, strangers are named', () => {
  const weights = copy(full().parameters);
  weights.set('stranger', { shape: [1], data: Float32Array.of(1) });
  assert.match(
    matchWeights(full(), weights, 'w').notes.join('\n'),
    /1 tensors of the file have no place .*stranger/,
  );
  weights.set('features.0.weight', { shape: [64, 3, 1, 3], data: new Float32Array(576) });
  assert.throws(() => matchWeights(full(), weights, 'w.st'), {
    code: 'MODEL',
    message: /w\.st \(features\.0\.weight\): expects a tensor \[64, 3, 3, 3\], received \[64, 3, 1, 3\]/,
  });
  weights.delete('features.0.weight');
  weights.delete('features.6.squeeze.bias');
  assert.throws(() => matchWeights(full(), weights, 'w.st'), {
    code: 'MODEL',
    message: /lacks 2 tensors of the squeezenet1_1 backbone: features\.0\.weight, features\.6\.squeeze\.bias/,
  });
});
