import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Graph } from '../../src/model/graph.js';
import { decodeModel, encodeModel, toNumber } from '../../src/model/onnx-proto.js';
import { convertOnnx, openOnnx, readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { inferShapes } from '../../src/model/shapes.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const operators = fileURLToPath(new URL('golden/operators/', import.meta.url));
const files = readdirSync(operators).filter((name) => name.endsWith('.onnx') && name !== 'elements.onnx');

/** The oracle is onnxruntime on the file as the exporter wrote it. */
for (const name of files) {
  test(`${name}: read and written again, the network computes the same`, async () => {
    const path = join(operators, name);
    const graph = await readOnnx(path);
    const shape = [2, ...graph.inputShape];
    const expected = await runOnnx(path, waves(shape), shape);
    for (const opset of [13, 17, 21]) {
      const received = await runOnnx(writeOnnx(graph, { opset }), waves(shape), shape);
      assert.deepEqual(received.shape, expected.shape);
      assert.ok(largestDifference(received.values, expected.values) < 1e-6, `opset ${opset}`);
    }
    assert.deepEqual(inferShapes(graph, { batch: 2 }).get(graph.output), expected.shape);
  });
}

test('constants and batch norms keep what they say', async () => {
  const attributes = async (name: string) => (await readOnnx(join(operators, name))).nodes[0];
  assert.deepEqual(pick(await attributes('clip-attribute.onnx'), ['minimum', 'maximum']), [-0.25, 0.5]);
  assert.deepEqual(pick(await attributes('clip-input.onnx'), ['minimum', 'maximum']), [-Infinity, 0.5]);
  assert.deepEqual(pick(await attributes('clip-constant.onnx'), ['minimum', 'maximum']), [-0.5, Infinity]);
  assert.deepEqual(pick(await attributes('dropout-attribute.onnx'), ['op', 'rate']), [
    'dropout',
    Math.fround(0.3),
  ]);
  assert.deepEqual(pick(await attributes('batch-norm.onnx'), ['epsilon']), [Math.fround(0.01)]);
});

test('padding that depends on the input size is reported', async () => {
  const notes = async (name: string) =>
    (await convertOnnx(await openOnnx(join(operators, name)))).notes.join();
  assert.match(await notes('auto-pad-same-upper.onnx'), /"auto_pad" was resolved/);
  assert.equal(await notes('auto-pad-valid.onnx'), '');
});

test('weights of every element type, raw and in typed fields', async () => {
  const expected = JSON.parse(readFileSync(join(operators, 'elements.json'), 'utf8')) as Record<
    string,
    number[]
  >;
  const graph = await readOnnx(join(operators, 'elements.onnx'));
  for (const [type, values] of Object.entries(expected)) {
    for (const field of ['raw', 'typed']) {
      assert.deepEqual(
        [...(graph.parameters.get(`${type}-${field}`)?.data ?? [])],
        values,
        `${type}-${field}`,
      );
    }
  }
});

test('64-bit integers survive encoding: negative ones, and beyond 32 bits', () => {
  const ints = [-1, 0, 2 ** 33 + 5, -(2 ** 40), Number.MAX_SAFE_INTEGER];
  const bytes = encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: { node: [{ opType: 'Any', attribute: [{ name: 'a', type: 7, ints }] }] },
  });
  const decoded = decodeModel(bytes, 'memory');
  assert.deepEqual(decoded.graph.node[0]?.attribute[0]?.ints.map(toNumber), ints);
});

test('a fixed batch and any tensor can be written as outputs', async () => {
  const graph = await readOnnx(join(operators, 'gemm.onnx'));
  const path = temporary('two.onnx', writeOnnx(graph, { batch: 4, outputs: ['f', 'y'] }));
  const file = await openOnnx(path);
  assert.deepEqual(file.inputs, [{ name: 'x', shape: [4, 3, 7, 7] }]);
  assert.deepEqual(file.outputs, [
    { name: 'f', shape: [4, 3] },
    { name: 'y', shape: [4, 4] },
  ]);
  assert.throws(() => writeOnnx(graph, { outputs: ['nowhere'] }), { code: 'MODEL', message: /"nowhere"/ });
  assert.throws(() => writeOnnx(graph, { opset: 12 }), {
    code: 'MODEL',
    message: /opset 13 to 21.*received 12/,
  });
});

test('weights beyond 1.8 GB are refused', () => {
  const huge = { shape: [1, 3, 1, 1], data: { byteLength: 1.9e9, length: 3 } as Float32Array };
  const graph: Graph = {
    name: 'huge',
    input: 'x',
    inputShape: [3, 8, 8],
    output: 'y',
    nodes: [
      {
        op: 'conv2d',
        name: 'c',
        inputs: ['x'],
        output: 'y',
        weight: 'w',
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
        groups: 1,
      },
    ],
    parameters: new Map([['w', huge]]),
  };
  assert.throws(() => writeOnnx(graph), { code: 'MODEL', message: /1\.9 GB of weights; at most 1\.8 GB/ });
});

test('external data: offsets and lengths are honoured, every fault names tensor and file', async () => {
  const original = readFileSync(join(operators, 'external.onnx'));
  const folder = mkdtempSync(join(tmpdir(), 'thaw-external-'));
  const model = join(folder, 'model.onnx');
  const inner = join(folder, 'sub');
  const rewritten = async (change: (entries: Map<string, string>) => void) => {
    const decoded = decodeModel(original, 'memory');
    for (const tensor of decoded.graph.initializer) {
      if (tensor.name !== 'w') continue;
      const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
      change(entries);
      const list = tensor.externalData as { key: string; value: string }[];
      list.splice(0, list.length, ...[...entries].map(([key, value]) => ({ key, value })));
    }
    writeFileSync(model, encodeModel({ ...decoded, irVersion: 8 } as never));
    return readOnnx(model);
  };
  const refused = (change: (entries: Map<string, string>) => void, message: RegExp) =>
    assert.rejects(rewritten(change), { code: 'MODEL', message });

  await refused(
    () => {},
    /model\.onnx \(w\): tensor "w" needs the data file "weights\.bin", which cannot be read \(ENOENT\)/,
  );
  copyFileSync(join(operators, 'weights.bin'), join(folder, 'weights.bin'));
  const graph = await rewritten(() => {});
  assert.equal(graph.parameters.get('w')?.data.length, 192);
  for (const location of [
    '../weights.bin',
    '/etc/passwd',
    'a/../../b',
    'a\\..\\..\\b',
    'C:\\weights.bin',
    '',
  ]) {
    await refused((entries) => entries.set('location', location), /inside the model's folder, received/);
  }
  symlinkSync(operators, inner);
  await refused((entries) => entries.set('location', 'sub/weights.bin'), /inside the model's folder/);
  await refused((entries) => entries.set('offset', '4096'), /expects bytes 4096 to 4864 of "weights\.bin"/);
  await refused((entries) => entries.set('offset', '-1'), /expects a whole offset .* received "-1"/);
  await refused(
    (entries) => entries.set('length', '764'),
    /expects 768 bytes for its shape \[64, 3\], received 764/,
  );
});

test('what is not supported is refused by node and operator', async () => {
  const refused = async (name: string, change: (model: Mutable) => void, message: RegExp) => {
    const decoded = decodeModel(readFileSync(join(operators, name)), name);
    const model = structuredCloneModel(decoded);
    change(model);
    const path = temporary('changed.onnx', encodeModel(model as never));
    await assert.rejects(readOnnx(path), (error: Error & { code?: string }) => {
      assert.match(error.message, message);
      assert.match(error.message, /changed\.onnx/);
      assert.equal(error.code, 'MODEL');
      return true;
    });
  };
  const node = (model: Mutable, op: string) =>
    model.graph.node.find(({ opType }) => opType === op) as MutableNode;

  await refused(
    'gemm.onnx',
    (m) => (node(m, 'Flatten').opType = 'LSTM'),
    /the Flatten\): LSTM .*not supported.*Supported are Add, AveragePool.*Softmax/,
  );
  await refused(
    'gemm.onnx',
    (m) => (node(m, 'Gemm').domain = 'com.maker'),
    /the Gemm\): com\.maker\.Gemm .*not supported/,
  );
  await refused(
    'gemm.onnx',
    (m) => node(m, 'Gemm').attribute.push({ name: 'transA', type: 2, i: 1 }),
    /"transA" to be 0, received 1/,
  );
  await refused(
    'gemm.onnx',
    (m) => node(m, 'Gemm').attribute.push({ name: 'extra', type: 2, i: 1 }),
    /Gemm has the attribute "extra", which is not supported/,
  );
  await refused('gemm.onnx', (m) => (m.graph.initializer = []), /Gemm reads the tensor "w", which neither/);
  await refused(
    'gemm.onnx',
    (m) => (m.graph.initializer[0]!.dims = [12]),
    /Gemm expects a weight matrix, received \[12\]/,
  );
  await refused(
    'gemm.onnx',
    (m) => (m.graph.initializer[0]!.dims = [4, 3]),
    /Gemm expects a bias of 3 numbers, received \[4\]/,
  );
  await refused(
    'gemm.onnx',
    (m) => (m.graph.initializer[0]!.dims = [4, 4]),
    /tensor "w" expects 64 bytes .*\[4, 4\], received 48/,
  );
  await refused('gemm.onnx', (m) => (m.graph.initializer[0]!.dataType = 2), /tensor "w" has element type 2/);
  await refused('gemm.onnx', (m) => (m.graph.initializer[0]!.dims = [2 ** 40, 2 ** 40]), /impossible shape/);
  await refused('gemm.onnx', (m) => (m.opsetImport[0]!.version = 8), /opset 9 to 21, received 8/);
  await refused('gemm.onnx', (m) => (m.opsetImport[0]!.domain = 'com.maker'), /no standard ONNX operators/);
  await refused(
    'gemm.onnx',
    (m) => m.graph.input.push({ ...m.graph.input[0], name: 'z' }),
    /expects one input, received 2 \(x, z\)/,
  );
  await refused('gemm.onnx', (m) => (m.graph.output = []), /no output/);
  await refused('gemm.onnx', (m) => (m.graph.output[0]!.name = 'w'), /output is not computed from the image/);
  await refused(
    'conv-groups.onnx',
    (m) => m.graph.node[0]!.attribute.push({ name: 'group', type: 2, i: 2 }),
    /conv2d expects 2 input channels \(weight \[6, 1, 3, 3\], 2 groups\), received \[1, 3, 7, 7\]/,
  );
  await refused(
    'average-ceil.onnx',
    (m) => m.graph.node[0]!.attribute.push({ name: 'strides', type: 7, ints: [0, 1] }),
    /at least 1 for strides, received \[0, 1\]/,
  );
  await refused(
    'mean-attribute.onnx',
    (m) => m.graph.node[0]!.attribute.push({ name: 'axes', type: 7, ints: [1, 2] }),
    /ReduceMean expects axes \[2, 3\].*received \[1, 2\]/,
  );
  await refused(
    'reshape-merge.onnx',
    (m) => (m.graph.initializer[0]!.rawData = int64s(-1, 49)),
    /Reshape is supported to \[N, all the rest\] only, received \[-1, 49\]/,
  );
  await refused(
    'branches.onnx',
    (m) => (node(m, 'Identity').input = ['y']),
    /depend on each other in a circle.*the Concat/,
  );
  await refused(
    'branches.onnx',
    (m) => (node(m, 'Identity').output = ['c']),
    /two nodes make the tensor "c": "the Identity" and "the Concat"/,
  );
});

test('a file that is no ONNX model is refused', async () => {
  const text = temporary('note.onnx', 'This is a text file, not a model.\n');
  await assert.rejects(readOnnx(text), { code: 'MODEL', message: /note\.onnx: not a complete ONNX model/ });
  await assert.rejects(readOnnx(temporary('empty.onnx', '')), { code: 'MODEL', message: /holds no graph/ });
  await assert.rejects(readOnnx('/nowhere/model.onnx'), { code: 'IO', message: /ENOENT/ });
});

test('truncated or altered files end in a ThawError or in a graph, never in anything else', async () => {
  const whole = readFileSync(fileURLToPath(new URL('golden/networks/squeezenet.onnx', import.meta.url)));
  let refused = 0;
  const attempt = async (bytes: Uint8Array) => {
    const path = temporary('fuzz.onnx', bytes);
    try {
      inferShapes(await readOnnx(path));
    } catch (error) {
      assert.equal((error as Error).name, 'ThawError', (error as Error).stack);
      refused++;
    }
  };
  let state = 12345;
  const random = (bound: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let round = 0; round < 150; round++) await attempt(whole.subarray(0, random(whole.length)));
  assert.equal(refused, 150);
  for (let round = 0; round < 250; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
    await attempt(bytes);
  }
});

interface MutableNode {
  input: string[];
  output: string[];
  opType: string;
  domain: string;
  attribute: Record<string, unknown>[];
}
interface Mutable {
  irVersion: number;
  opsetImport: { domain: string; version: unknown }[];
  graph: {
    node: MutableNode[];
    initializer: Record<string, unknown>[];
    input: Record<string, unknown>[];
    output: Record<string, unknown>[];
  };
}

/** A decoded model whose messages may be changed and encoded again; of twice given attributes the last counts. */
function structuredCloneModel(model: ReturnType<typeof decodeModel>): Mutable {
  return { ...model, irVersion: 8 } as unknown as Mutable;
}

function int64s(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
}

function pick(value: unknown, keys: readonly string[]): unknown[] {
  return keys.map((key) => (value as Record<string, unknown>)[key]);
}

function temporary(name: string, content: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), 'thaw-onnx-')), name);
  writeFileSync(path, content);
  return path;
}
