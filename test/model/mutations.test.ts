import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromBufferPromise } from 'yauzl';
import { ThawError } from '../../src/base/errors.js';
import { RandomStream, STREAM } from '../../src/base/random.js';
import type { Parameter } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { inferShapes } from '../../src/model/shapes.js';
import { inMemory } from '../../src/model/weights/byte-source.js';
import { readKerasBytes } from '../../src/model/weights/keras.js';
import { readNpzBytes } from '../../src/model/weights/npz.js';
import { readPthBytes } from '../../src/model/weights/pth.js';
import { readSafetensorsBytes } from '../../src/model/weights/safetensors.js';
import { kerasH5, type Numbers, npy, npz } from './write-keras.js';
import { pthZip, temporaryFile } from './write-pth.js';

const ROUNDS = 10_000;
const golden = (path: string) => readFileSync(fileURLToPath(new URL(`golden/${path}`, import.meta.url)));
const elements = golden('pth/elements.pth');

/** Members of an archive by the last part of their names. */
async function membersOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const zip = await fromBufferPromise(archive);
  for await (const entry of zip.eachEntry()) {
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const data = archive.subarray(fileDataStart, fileDataStart + entry.uncompressedSize);
    members.set(entry.fileName.split('/').at(-1) ?? '', data);
  }
  return members;
}

const safetensors = (() => {
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: { format: 'pt' },
      'conv.weight': { dtype: 'F32', shape: [2, 3, 1, 1], data_offsets: [0, 24] },
      'norm.bias': { dtype: 'BF16', shape: [4], data_offsets: [24, 32] },
      counter: { dtype: 'I64', shape: [], data_offsets: [32, 40] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, Buffer.alloc(40, 7)]);
})();

/** A broken copy: bytes changed, cut off, left out, doubled, or a length replaced by an extreme one. */
function mutated(whole: Uint8Array, random: RandomStream): Buffer {
  const bytes = Buffer.from(whole);
  const at = () => random.integer(bytes.length);
  const kind = random.integer(8);
  if (kind === 0) return bytes.subarray(0, at());
  if (kind === 1) {
    const begin = at();
    return Buffer.concat([bytes.subarray(0, begin), bytes.subarray(begin + 1 + random.integer(16))]);
  }
  if (kind === 2) {
    const begin = at();
    const piece = bytes.subarray(begin, begin + 1 + random.integer(64));
    return Buffer.concat([bytes.subarray(0, begin), piece, bytes.subarray(begin)]);
  }
  if (kind === 3 && bytes.length > 8) {
    const extremes = [0, 1, 0x7fffffff, 0xffffffff, 0x80000000, 0xffff];
    bytes.writeUInt32LE(extremes[random.integer(extremes.length)] ?? 0, random.integer(bytes.length - 4));
    return bytes;
  }
  for (let flips = 1 + random.integer(4); flips > 0; flips--) {
    const place = at();
    bytes[place] = kind < 6 ? (bytes[place] ?? 0) ^ (1 << random.integer(8)) : random.integer(256);
  }
  return bytes;
}

/** Reads broken copies; each must end in a typed error or in weights that its file has room for. */
async function withstand(
  seed: number,
  broken: (random: RandomStream) => Uint8Array,
  read: (bytes: Uint8Array) => Promise<ReadonlyMap<string, Parameter>>,
): Promise<number> {
  const random = new RandomStream(seed, STREAM.split);
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = broken(random);
    try {
      const tensors = await read(bytes);
      const buffers = new Set([...tensors.values()].map(({ data }) => data.buffer));
      let total = 0;
      for (const { byteLength } of buffers) total += byteLength;
      assert.ok(total <= 12 * bytes.length + 4 * 2 ** 20, `${total} bytes from ${bytes.length}`);
    } catch (error) {
      assert.ok(error instanceof ThawError, `round ${round}: ${(error as Error).stack}`);
      assert.equal(error.code, 'MODEL', `round ${round}: ${error.message}`);
      assert.ok(
        error.message.length < 2000,
        `round ${round}: a message of ${error.message.length} characters`,
      );
      refused++;
    }
  }
  return refused;
}

const readPth = async (bytes: Uint8Array) => (await readPthBytes(inMemory(bytes), 'broken.pth')).tensors;

test('10,000 broken archives of torch.save end in an error or in weights', async () => {
  const refused = await withstand(1, (random) => mutated(elements, random), readPth);
  assert.ok(refused > ROUNDS / 4, String(refused));
});

test('10,000 broken pickles in whole archives end in an error or in weights', async () => {
  const members = await membersOf(elements);
  const pickle = members.get('data.pkl') ?? Buffer.alloc(0);
  const storages = Object.fromEntries([...members].filter(([name]) => /^\d+$/.test(name)));
  assert.equal((await readPth(pthZip(pickle, storages))).size, 15);
  const wrapped = (random: RandomStream) => pthZip(mutated(pickle, random), storages);
  const refused = await withstand(2, wrapped, readPth);
  assert.ok(refused > ROUNDS / 4 && refused < ROUNDS, String(refused));
});

test('10,000 broken files of the older torch.save end in an error or in weights', async () => {
  const whole = golden('pth/elements-legacy.pth');
  const refused = await withstand(3, (random) => mutated(whole, random), readPth);
  assert.ok(refused > ROUNDS / 4, String(refused));
});

test('10,000 broken safetensors files end in an error or in weights', async () => {
  const read = (bytes: Uint8Array) => readSafetensorsBytes(inMemory(bytes), 'broken.safetensors');
  const refused = await withstand(4, (random) => mutated(safetensors, random), read);
  assert.ok(refused > ROUNDS / 4, String(refused));
});

/** The fewest layers that are taken for a ResNet of Keras. */
const kerasArrays = new Map<string, Numbers>([
  ['conv1_bn/gamma', { shape: [3], data: Float32Array.of(1, 2, 3) }],
  ['conv2_block1_3_conv/kernel', { shape: [1, 1, 2, 2], data: Float64Array.of(1, 2, 3, 4) }],
  ['head/kernel', { shape: [2, 5], data: Float32Array.from({ length: 10 }, (_, index) => index) }],
  ['count', { shape: [1], data: Int32Array.of(7) }],
]);

test('10,000 broken HDF5 files of Keras end in an error or in weights', async () => {
  const whole = await kerasH5(kerasArrays);
  const read = async (bytes: Uint8Array) => (await readKerasBytes(inMemory(bytes), 'broken.h5')).tensors;
  assert.equal((await read(whole)).size, 3);
  const before = process.memoryUsage().rss;
  const refused = await withstand(6, (random) => mutated(whole, random), read);
  assert.ok(refused > ROUNDS / 4 && refused < ROUNDS, String(refused));
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 300e6, `${grown} bytes`);
  assert.equal((await read(whole)).size, 3, 'the library reads whole files as before');
});

test('10,000 broken .npz archives end in an error or in weights', async () => {
  const whole = npz(kerasArrays);
  const read = async (bytes: Uint8Array) => (await readNpzBytes(inMemory(bytes), 'broken.npz')).tensors;
  assert.equal((await read(whole)).size, 3);
  const refused = await withstand(7, (random) => mutated(whole, random), read);
  assert.ok(refused > ROUNDS / 4, String(refused));
});

test('10,000 broken arrays in whole .npz archives end in an error or in weights', async () => {
  const arrays = [...kerasArrays].map(([name, array]) => [name, npy(array)] as const);
  let round = 0;
  const broken = (random: RandomStream) => {
    const chosen = round++ % arrays.length;
    return npz(
      new Map(
        arrays.map(([name, bytes], index) => [name, index === chosen ? mutated(bytes, random) : bytes]),
      ),
    );
  };
  const read = async (bytes: Uint8Array) => (await readNpzBytes(inMemory(bytes), 'broken.npz')).tensors;
  const refused = await withstand(8, broken, read);
  assert.ok(refused > ROUNDS / 4 && refused < ROUNDS, String(refused));
});

test('10,000 broken ONNX files end in an error or in a graph', async () => {
  const names = ['pools', 'external', 'reshape-computed', 'branches', 'conv-groups', 'gemm'];
  const files = names.map((name) => golden(`operators/${name}.onnx`));
  const path = temporaryFile('broken.onnx', '');
  writeFileSync(join(path, '..', 'weights.bin'), golden('operators/weights.bin'));
  const read = async (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    const graph = await readOnnx(path);
    inferShapes(graph);
    return graph.parameters;
  };
  let file = 0;
  const broken = (random: RandomStream) => mutated(files[file++ % files.length] as Buffer, random);
  assert.ok((await withstand(5, broken, read)) > ROUNDS / 4);
});

test('every beginning of a file is refused as cut short', async () => {
  for (const name of ['elements.pth', 'elements-legacy.pth']) {
    const whole = golden(`pth/${name}`);
    for (let length = 0; length < whole.length; length += length < 200 ? 1 : 7) {
      const cut = readPthBytes(inMemory(whole.subarray(0, length)), name);
      await assert.rejects(cut, { name: 'ThawError', code: 'MODEL' }, `${name}: ${length} bytes`);
    }
  }
});
