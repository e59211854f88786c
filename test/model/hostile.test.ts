import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { encodeModel } from '../../src/model/onnx-proto.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { inMemory } from '../../src/model/weights/byte-source.js';
import { readPth, readPthBytes } from '../../src/model/weights/pth.js';
import { readSafetensorsBytes } from '../../src/model/weights/safetensors.js';
import {
  integer,
  named,
  pickled,
  pthLegacy,
  pthZip,
  storage,
  temporaryFile,
  tensor,
  text,
  zipOf,
} from './write-pth.js';

const read = (bytes: Uint8Array) => readPthBytes(inMemory(bytes), 'weights.pth');

async function refused(bytes: Uint8Array, message: RegExp): Promise<void> {
  await assert.rejects(read(bytes), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'MODEL', error.stack);
    assert.match(error.message, message);
    assert.match(error.message, /^weights\.pth/);
    return true;
  });
}

/** The pickle in both formats of torch.save. */
async function refusedInBoth(pickle: Uint8Array, message: RegExp): Promise<void> {
  await refused(pthZip(pickle), message);
  await refused(pthLegacy(pickle), message);
}

const one = { shape: [1], strides: [1] };
const storages = (count = 1) => ({ '0': Buffer.alloc(4 * count) });

test('pickles that would run code are refused by the name of what they ask for, and touch nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-hostile-'));
  const command = text(`touch ${join(folder, 'ran')}`);
  const call = (module: string, name: string) => pickled(named(module, name), command, '\x85R');
  const calls = { os: 'system', posix: 'system', subprocess: 'Popen', builtins: 'eval', __builtin__: 'exec' };
  for (const [module, name] of Object.entries(calls)) {
    const message = new RegExp(`asks for ${module}\\.${name}, which is refused: .* Nothing was executed`);
    await refusedInBoth(call(module, name), message);
    await refusedInBoth(pickled(text(module), text(name), '\x93', command, '\x85R'), message);
  }
  await refusedInBoth(pickled('(', command, 'ios\nsystem\n'), /asks for os\.system/);
  const dangerous = {
    torch: 'load',
    'torch.hub': 'load',
    'torch.jit': 'load',
    numpy: 'load',
    runpy: 'run_path',
  };
  for (const [module, name] of Object.entries(dangerous))
    await refusedInBoth(call(module, name), new RegExp(`asks for ${module}\\.${name}`));
  for (const name of ['__reduce__', 'OrderedDict.__class__', 'namedtuple', 'defaultdict'])
    await refusedInBoth(call('collections', name), /asks for collections\./);
  // The first pickle of the older format, before anything is known.
  await refused(call('os', 'system'), /asks for os\.system/);
  assert.deepEqual(readdirSync(folder), []);
});

test('calls, states and objects beyond those that weights need are refused', async () => {
  await refusedInBoth(pickled(text('x'), ')R'), /asks for a call of a string/);
  await refusedInBoth(
    pickled(named('torch', 'FloatStorage'), ')R'),
    /asks for a call of torch\.FloatStorage/,
  );
  // What a call gives is called again.
  const dict = `${named('collections', 'OrderedDict')})R`;
  await refusedInBoth(pickled(dict, ')R'), /asks for a call of a dict/);
  await refusedInBoth(pickled(dict, text('x'), 'b'), /asks for a state for a dict/);
  await refusedInBoth(pickled('}}b'), /asks for a state for a dict/);
  await refusedInBoth(
    pickled(named('torch', 'FloatStorage'), ')\x81'),
    /asks for a new object after a tuple/,
  );
  await refusedInBoth(pickled('(', named('collections', 'OrderedDict'), 'o'), /asks for a new object/);
  await refusedInBoth(pickled(named('collections', 'OrderedDict'), text('x'), '\x85R'), /else than one list/);
  await refusedInBoth(pickled('\x82\x01'), /opcode 0x82 at byte \d+/);
  await refusedInBoth(pickled('Pos.system\n'), /opcode 0x50/);
  await refusedInBoth(pickled(text('module'), 'Q'), /refers to something else than the storage/);
});

test('pickles that no writer makes are refused', async () => {
  await refusedInBoth(Buffer.from([0x80, 9, 0x2e]), /has protocol 9; 2 to 5 are read/);
  await refusedInBoth(pickled(), /takes a value from an empty stack/);
  await refusedInBoth(pickled('t'), /goes back to a mark/);
  await refusedInBoth(pickled('h\x07'), /recalls object 7/);
  await refusedInBoth(pickled('}', text('a'), 'a'), /appends to a dict/);
  await refusedInBoth(pickled(']K\x01K\x02s'), /sets items of a list/);
  await refusedInBoth(pickled('}(K\x01u'), /sets a key without a value/);
  await refusedInBoth(pickled('\x8b\xff\xff\xff\x7f'), /an integer of 2147483647 bytes/);
  await refusedInBoth(pickled(`c${'m'.repeat(300)}\nname\n`), /holds a name, which no weights have/);
  await refused(pthZip(pickled('X\xff\xff\xff\xff')), /the pickle ends before its last step/);
  await refused(
    pthZip(pickled('\x8d\xff\xff\xff\xff\xff\xff\xff\xff')),
    /the pickle ends before its last step/,
  );
  await refused(pthZip(Buffer.from('\x80\x02}', 'latin1')), /the pickle ends before its last step/);
  await refusedInBoth(pickled(']'.repeat(4_100_000)), /takes more than 4000000 steps/);
});

test('objects that contain themselves, and deep ones, are read without recursion', async () => {
  // d = {}; d["state_dict"] = d
  await refusedInBoth(pickled('}q\x00', text('state_dict'), 'h\x00s'), /expects a state dict, found a dict/);
  // a = {}; b = {"model": a}; a["net"] = b
  const cycle = pickled('}q\x00}q\x01', text('model'), 'h\x00s', '0h\x00', text('net'), 'h\x01s');
  await refusedInBoth(cycle, /expects a state dict, found a dict/);
  const deep = 500_000;
  await refusedInBoth(pickled(']'.repeat(deep), 'a'.repeat(deep - 1)), /expects a state dict, found a list/);
  await refusedInBoth(pickled(')', '\x85'.repeat(deep)), /expects a state dict, found a tuple/);
  await refusedInBoth(pickled('('.repeat(deep)), /takes a value from an empty stack/);
});

test('what is no state dict is said', async () => {
  await refusedInBoth(pickled('K\x05'), /expects a state dict, found a number/);
  await refusedInBoth(pickled('}'), /expects a state dict, found a dict with nothing in it/);
  await refusedInBoth(pickled('}', text('epoch'), 'K\x05s'), /found a dict with epoch/);
  const list = pickled(']', tensor('0', 1, one), 'a');
  await refused(pthZip(list, storages()), /found a list/);
});

test('tensors must lie in their storages, and storages in the file', async () => {
  const dict = (...value: Buffer[]) => pickled('}', text('w'), ...value, 's');
  const view = (count: number, shape: number[], strides: number[], offset = 0) =>
    dict(tensor('0', count, { shape, strides, offset }));
  assert.equal((await read(pthZip(view(1, [1], [1]), storages()))).tensors.size, 1);
  await refused(pthZip(view(1, [2], [1]), storages()), /reaches beyond the 1 numbers of storage 0/);
  await refused(pthZip(view(4, [2], [1], 3), storages(4)), /tensor \[2\] with strides \[1\] from 3/);
  await refused(pthZip(view(4, [2], [-1], 3), storages(4)), /something else than storage, offset, shape/);
  const large = 2 ** 40;
  await refused(pthZip(view(1, [large], [1]), storages()), /reaches beyond the 1 numbers/);
  await refused(pthZip(view(large, [large], [1]), storages()), /expects 4398046511104 bytes .*received 4/);
  await refused(pthLegacy(view(large, [large], [1])), /lacks the numbers of storage 0/);
  await refused(pthZip(view(1, [large], [0]), storages()), /repeated or scattered numbers, too large/);
  await refused(pthZip(view(1, [large, large], [0, 0]), storages()), /impossible shape/);
  await refused(pthZip(view(1, [large], [2 ** 52]), storages()), /reaches beyond/);
  await refused(pthZip(view(1, [1], [1])), /archive\/data\/0\): the archive lacks this member/);
  await refused(pthZip(view(1, [1], [1]), storages(2)), /expects 4 bytes for 1 numbers F32, received 8/);
  const twice = [storage('0', 1), storage('0', 2)].map((part) => Buffer.concat([part, Buffer.from('0')]));
  await refused(pthZip(pickled(...twice, '}'), storages()), /storage 0 two types or lengths/);
  // Many copies of one storage are worth no more memory than a few.
  const copy = tensor('0', 1000, { shape: [500, 1000], strides: [0, 1] });
  const entries = Array.from({ length: 400 }, (_, index) => Buffer.concat([text(`w${index}`), copy]));
  await refused(pthZip(pickled('}(', ...entries, 'u'), storages(1000)), /w\d+\): is a tensor .* too large/);
});

test('archives that are not what torch.save writes are refused', async () => {
  const pickle = pickled('}', text('w'), tensor('0', 1, one), 's');
  const data = { name: 'a/data.pkl', data: pickle };
  const zeros = { name: 'a/data/0', data: Buffer.alloc(4) };
  await read(zipOf([data, zeros]));
  const bomb = { name: 'a/data/0', data: Buffer.alloc(2 ** 24), deflated: true };
  await refused(zipOf([data, bomb]), /a\/data\/0 is compressed, and torch\.save stores/);
  await refused(zipOf([{ ...data, deflated: true }, zeros]), /a\/data\.pkl is compressed/);
  await refused(zipOf([data, zeros, zeros]), /a\/data\/0 is in it twice/);
  await refused(zipOf([data, data]), /data\.pkl is in it twice/);
  await refused(zipOf([data, { ...data, name: 'b/data.pkl' }]), /expects one pickle data\.pkl.*found 2/);
  await refused(zipOf([zeros]), /expects one pickle data\.pkl in the archive, found 0/);
  await refused(zipOf([data, { name: 'a/constants.pkl', data: pickle }]), /TorchScript archive/);
  await refused(zipOf([data, { name: 'a/byteorder', data: Buffer.from('big') }]), /little-endian.*"big"/);
  await refused(zipOf([data, { ...zeros, claims: 2 ** 31 }]), /expects 4 bytes .*received 2147483648/);
  await refused(zipOf([{ ...data, claims: pickle.length + 10 }, zeros]), /reach into the next member/);
  await refused(zipOf([{ ...data, claims: 2 ** 27 }, zeros]), /expects at most 67108864 bytes/);
  await refused(zipOf([data, { ...zeros, offset: 2 ** 31 }]), /outside the file/);
  await refused(zipOf([data, { ...zeros, offset: 7 }]), /cannot be found in the archive|reach into/);
  // A member within the bytes of another: either is read alone, never both.
  const inner = zipOf([{ name: 'a/data/000', data: Buffer.alloc(4) }]).subarray(0, 44);
  const two = pickled(
    '}',
    text('inner'),
    tensor('000', 1, one),
    's',
    text('outer'),
    tensor('1', 11, { shape: [11], strides: [1] }),
    's',
  );
  const outer = [
    { name: 'a/data.pkl', data: two },
    { name: 'a/data/1', data: inner },
  ];
  const offset = zipOf(outer).indexOf(inner);
  const nested = zipOf([...outer, { name: 'a/data/000', data: Buffer.alloc(4), offset }]);
  await refused(nested, /a\/data\/1\): its 44 bytes reach into the next member/);
  for (const name of ['../data.pkl', '/etc/data.pkl', 'a\\data.pkl'])
    await refused(zipOf([{ name, data: pickle }]), /not a readable archive of torch\.save|lacks this member/);
  await refused(Buffer.from('PK\x03\x04 and then nothing'), /not a readable archive/);
  await refused(Buffer.from('hello'), /not a file of torch\.save/);
  await refused(new Uint8Array(), /not a file of torch\.save/);
  const tar = Buffer.alloc(1024);
  tar.write('ustar', 257);
  await refused(tar, /is a tar archive/);
});

test('files of the older format that end early or say other lengths are refused', async () => {
  const pickle = pickled('}', text('w'), tensor('0', 1, one), 's');
  const head = pthLegacy(pickle);
  const keys = (...names: string[]) =>
    Buffer.concat([
      head.subarray(0, -pickled(']').length),
      pickled(']', ...names.flatMap((name) => [text(name), 'a'])),
    ]);
  const count = (value: number) => integer(value).subarray(2);
  assert.equal((await read(Buffer.concat([keys('0'), count(1), Buffer.alloc(4)]))).tensors.size, 1);
  await refused(Buffer.concat([keys('0'), count(1), Buffer.alloc(3)]), /storage 0 ends at byte .*truncated/);
  await refused(keys('0'), /truncated/);
  await refused(
    Buffer.concat([keys('0'), count(2 ** 40), Buffer.alloc(4)]),
    /expects 1 numbers .* 1099511627776/,
  );
  await refused(Buffer.concat([keys('5'), count(1), Buffer.alloc(4)]), /storage 5, which no tensor uses/);
  await refused(Buffer.concat([keys('0', '0'), count(1), Buffer.alloc(16)]), /storage 0, a second time/);
  await refused(pickled('K\x01'), /is not one of torch\.save/);
});

test('the memory of hostile files is bounded', async () => {
  const dense = pthZip(pickled(']'.repeat(3_900_000)));
  const before = process.memoryUsage().rss;
  await assert.rejects(read(dense));
  assert.ok(process.memoryUsage().rss - before < 600 * 2 ** 20);
});

test('a file is read by its path, and one that is absent is an IO error', async () => {
  const path = temporaryFile('w.pth', pthZip(pickled('}', text('w'), tensor('0', 1, one), 's'), storages()));
  assert.deepEqual([...(await readPth(path)).tensors.keys()], ['w']);
  await assert.rejects(readPth(`${path}.gone`), { code: 'IO' });
});

test('safetensors: deep, long and odd headers are refused', async () => {
  const file = (header: string | Buffer) => {
    const bytes = Buffer.from(header);
    const length = Buffer.alloc(8);
    length.writeUInt32LE(bytes.length);
    return readSafetensorsBytes(inMemory(Buffer.concat([length, bytes])), 'w.safetensors');
  };
  const refusedHeader = (header: string, message: RegExp) =>
    assert.rejects(file(header), { name: 'ThawError', code: 'MODEL', message });
  await refusedHeader('['.repeat(2 ** 20), /header is not JSON/);
  await refusedHeader(`{"a":${'['.repeat(2 ** 20)}${']'.repeat(2 ** 20)}}`, /expects dtype, shape and two/);
  await refusedHeader(' '.repeat(17 * 2 ** 20), /a header of 17825792 bytes does not fit/);
  const entry = (dtype: string, shape: number[], end: number) =>
    JSON.stringify({ a: { dtype, shape, data_offsets: [0, end] } });
  await refusedHeader(entry('F32', [2 ** 40], 2 ** 42), /ends at byte .*truncated/);
  await refusedHeader(entry('F32', [2 ** 50, 2 ** 50], 8), /expects .* bytes/);
  for (const name of ['constructor', '__proto__', 'toString'])
    await refusedHeader(entry(name, [1], 4), new RegExp(`received ${name}`));
  const odd = await file('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}');
  assert.deepEqual([...odd.keys()], ['__proto__']);
});

test('ONNX: deep, huge and cyclic models are refused', async () => {
  const refusedModel = (bytes: Uint8Array, message: RegExp) =>
    assert.rejects(readOnnx(temporaryFile('w.onnx', bytes)), { name: 'ThawError', code: 'MODEL', message });
  // Nested groups of an unknown field, which a reader skips.
  await refusedModel(Buffer.alloc(2 ** 20, 0x7b), /not a complete ONNX model/);
  const model = (changes: object) =>
    encodeModel({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'g',
        node: [{ opType: 'Relu', name: 'r', input: ['x'], output: ['y'] }],
        input: [port('x')],
        output: [port('y')],
        initializer: [],
        ...changes,
      },
    } as never);
  await assert.doesNotReject(readOnnx(temporaryFile('w.onnx', model({}))));
  const weight = (dims: number[]) => [{ name: 'w', dataType: 1, dims, rawData: new Uint8Array(4) }];
  const conv = [{ opType: 'Conv', name: 'c', input: ['x', 'w'], output: ['y'] }];
  await refusedModel(
    model({ node: conv, initializer: weight([2 ** 40, 3, 1, 1]) }),
    /expects \d+ bytes for its shape/,
  );
  await refusedModel(model({ node: conv, initializer: weight([2 ** 40, 2 ** 40]) }), /impossible shape/);
  const loop = [
    { opType: 'Relu', name: 'a', input: ['b'], output: ['a'] },
    { opType: 'Relu', name: 'b', input: ['a'], output: ['b'] },
    { opType: 'Add', name: 'c', input: ['a', 'x'], output: ['y'] },
  ];
  const chain = Array.from({ length: 20_000 }, (_, index) => ({
    opType: 'Relu',
    name: `r${index}`,
    input: [index === 0 ? 'x' : `t${index}`],
    output: [index === 19_999 ? 'y' : `t${index + 1}`],
  }));
  assert.equal((await readOnnx(temporaryFile('w.onnx', model({ node: chain })))).nodes.length, 20_000);
  await refusedModel(model({ node: loop }), /cycle|circle|order|before/);
  // Lists that double, and one weight that is transposed again and again.
  const doubling = Array.from({ length: 40 }, (_, index) => ({
    opType: 'Concat',
    name: `c${index}`,
    input: [`d${index}`, `d${index}`],
    output: [`d${index + 1}`],
    attribute: [{ name: 'axis', type: 2, i: 0 }],
  }));
  const reshape = { opType: 'Reshape', name: 'r', input: ['x', 'd40'], output: ['y'] };
  const two = [{ name: 'd0', dataType: 7, dims: [2], rawData: Buffer.alloc(16, 1) }];
  await refusedModel(
    model({ node: [...doubling, reshape], initializer: two }),
    /c9.*computes a list of 2048 dimensions; at most 1024/,
  );
  const products = Array.from({ length: 500 }, (_, index) => ({
    opType: 'MatMul',
    name: `m${index}`,
    input: [index === 0 ? 'f' : `p${index}`, 'w'],
    output: [index === 499 ? 'y' : `p${index + 1}`],
  }));
  const flatten = { opType: 'Flatten', name: 'f', input: ['x'], output: ['f'] };
  const matrix = [{ name: 'w', dataType: 1, dims: [192, 192], rawData: new Uint8Array(4 * 192 * 192) }];
  await refusedModel(
    model({ node: [flatten, ...products], initializer: matrix }),
    /more copies of weights than the file accounts for/,
  );
  // Many weights that are all the same bytes of a data file.
  const shared = temporaryFile('shared.bin', new Uint8Array(2 ** 23));
  const layers = Array.from({ length: 10 }, (_, index) => ({ ...conv[0], input: ['x', `w${index}`] }));
  const external = layers.map((_, index) => ({
    name: `w${index}`,
    dataType: 1,
    dims: [2 ** 21],
    dataLocation: 1,
    externalData: [{ key: 'location', value: 'shared.bin' }],
  }));
  const path = join(dirname(shared), 'w.onnx');
  const outputs = layers.map((layer, index) => ({ ...layer, name: `c${index}`, output: [`c${index}`] }));
  const sum = { opType: 'Add', name: 's', input: outputs.map(({ name }) => name), output: ['y'] };
  writeFileSync(path, model({ node: [...outputs, sum], initializer: external }));
  await assert.rejects(readOnnx(path), {
    code: 'MODEL',
    message: /"w6" and those before it read 58720256 bytes of "shared\.bin", which has 8388608/,
  });
});

function port(name: string): object {
  const dim = [1, 3, 8, 8].map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: 1, shape: { dim } } } };
}
