import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeModel } from '../../src/model/describe.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { loadModel, validateCard } from '../../src/model/registry.js';
import { readKeras, torchWeights } from '../../src/model/weights/keras.js';
import { torchLayer } from '../../src/model/weights/keras-names.js';
import { matchWeights } from '../../src/model/weights/match.js';
import { readNpz } from '../../src/model/weights/npz.js';
import type { WeightFile } from '../../src/model/weights/weight-file.js';
import { densenet } from '../../src/model/zoo/densenet.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { type ResNetLayout, resnet } from '../../src/model/zoo/resnet.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';
import { arraysOf, huge, kerasH5, linked, type Numbers, npy, npz, unpacked } from './write-keras.js';
import { temporaryFile } from './write-pth.js';

/** Made by golden/keras_files.py: files of Keras 3.15, and the logits that it computes. */
const golden = (name: string) => fileURLToPath(new URL(`golden/keras/${name}`, import.meta.url));
const logits = JSON.parse(readFileSync(golden('networks.json'), 'utf8')) as Record<string, number[]>;
const SIZE = 64;
const options = { channels: 3, size: SIZE, classes: 3, seed: null } as const;

const thinDenseNet = () => {
  const layout = {
    stem: 'imagenet',
    stemChannels: 8,
    growth: 4,
    blocks: [1, 2, 1, 1],
    compression: 0.5,
  } as const;
  return densenet('thin', layout, options);
};
const thinResNet = (strideIn?: ResNetLayout['strideIn']) => {
  const names = { shortcut: 'projection', classifier: 'fc', fan: 'out' } as const;
  const layout = { stem: 'imagenet', block: 'bottleneck', blocks: [1, 2], width: 4, ...names } as const;
  return resnet('thin', { ...layout, ...(strideIn === undefined ? {} : { strideIn }) }, options);
};

async function logitsOf(graph: ReturnType<typeof thinDenseNet>, { tensors }: WeightFile) {
  const shape = [2, 3, SIZE, SIZE];
  const match = matchWeights(graph, tensors, 'file');
  assert.deepEqual([match.missing, match.unexpected], [[], []]);
  return (await runOnnx(writeOnnx(match.graph), waves(shape), shape)).values;
}

test('a DenseNet of Keras computes the same logits: .keras, and .weights.h5 out of it', async () => {
  const inner = temporaryFile('net.weights.h5', await unpacked(golden('densenet.keras')));
  for (const path of [golden('densenet.keras'), inner]) {
    const values = await logitsOf(thinDenseNet(), await readKeras(path));
    assert.ok(largestDifference(values, logits.densenet ?? []) < 1e-4, path);
  }
});

test('a ResNet of Keras computes the same logits where the first convolution of a block halves the map, biases included', async () => {
  for (const file of [await readKeras(golden('resnet.h5')), await readNpz(golden('resnet.npz'))]) {
    assert.equal(file.strideIn, 'first');
    assert.match(file.notes.join(), /1[0-9] biases of convolutions were taken off/);
    const values = await logitsOf(thinResNet('first'), file);
    assert.ok(largestDifference(values, logits.resnet ?? []) < 1e-4);
    // The other kind takes all of the tensors and computes something else: hence its own architecture.
    assert.ok(largestDifference(await logitsOf(thinResNet(), file), logits.resnet ?? []) > 0.01);
  }
});

test('every layer of the applications has its place in our networks', () => {
  for (const [name, family] of [
    ['densenet121', 'densenet'],
    ['densenet201', 'densenet'],
    ['resnet50-v1', 'resnet'],
    ['resnet152-v1', 'resnet'],
  ] as const) {
    const graph = zooGraph(name, { channels: 3, size: 224, classes: 1000, seed: null });
    const blocks = family === 'densenet' ? 'features.denseblock' : 'layer';
    const places = new Set([...graph.parameters.keys()].map((key) => key.replace(/\.[a-z_]+$/, '')));
    const layers = ['conv1_conv', 'conv1_bn', 'predictions', 'bn'];
    for (let stage = 2; stage <= 5; stage++) {
      if (stage < 5) layers.push(`pool${stage}_bn`, `pool${stage}_conv`);
      for (let block = 1; block <= 48; block++)
        for (let place = 0; place <= 3; place++)
          for (const kind of ['conv', 'bn']) layers.push(`conv${stage}_block${block}_${place}_${kind}`);
    }
    const reached = new Set(layers.map((layer) => torchLayer(layer, family)));
    for (const place of places) assert.ok(reached.has(place), `${name}: ${place} (${blocks})`);
  }
});

test('names of older files: layers with a slash, numbers behind the variables, a base model within a model', async () => {
  const wanted = await readKeras(golden('resnet.h5'));
  const arrays = new Map(
    (await arraysOf(golden('resnet.npz'))).map(([name, array]) => {
      const [layer = '', variable = ''] = name.split('/');
      return [`model_weights/resnet50/${layer.replace('conv1_', 'conv1/')}/${variable}:0`, array];
    }),
  );
  const { tensors, notes } = await readKeras(temporaryFile('old.h5', await kerasH5(arrays)));
  assert.deepEqual([...tensors.keys()].toSorted(), [...wanted.tensors.keys()].toSorted());
  for (const [name, { data }] of tensors) assert.deepEqual(data, wanted.tensors.get(name)?.data, name);
  assert.match(notes.join(), /Keras's ResNet/);
});

test('double precision is read, integers and optimizers left out, a head of one’s own is reported', async () => {
  const names = ['conv1_bn/gamma', 'conv1_bn/moving_variance', 'conv2_block1_3_conv/kernel'];
  const floats = new Map(
    names.map((name) => [name, { shape: [1, 1, 2, 1], data: Float64Array.of(0.5, -2) }]),
  );
  const more = new Map<string, Numbers>([
    ['optimizer_weights/conv1_bn/gamma', { shape: [2], data: Float32Array.of(9, 9) }],
    ['my_head/kernel', { shape: [1, 2], data: Float32Array.of(1, 2) }],
    ['top_level_model_weights/count', { shape: [1], data: Int32Array.of(3) }],
  ]);
  const { tensors } = await readKeras(
    temporaryFile('mixed.h5', await kerasH5(new Map<string, Numbers>([...floats, ...more]))),
  );
  assert.deepEqual([...tensors.get('bn1.weight')!.data], [0.5, -2]);
  assert.equal(tensors.get('bn1.running_var')!.data[0], Math.fround(0.5 + 1e-8));
  assert.deepEqual([...tensors.get('keras:my_head.weight')!.data], [1, 2]);
  assert.equal(tensors.size, 4);
});

test('the weights of Keras’s ResNet are refused as one of version 1.5, with the architecture to take', async () => {
  const card = (architecture: string) =>
    validateCard(
      {
        name: 'k',
        pretraining: 'imagenet',
        architecture,
        file: golden('resnet.npz'),
        input: { size: 64, channels: 3, order: 'BGR', scale: 1, mean: [104, 117, 124], std: [1, 1, 1] },
      },
      {},
    );
  await assert.rejects(loadModel(card('resnet50'), { folder: '/' }), {
    code: 'MODEL',
    message: /first convolution of a block, resnet50 does it in the second.*architecture to resnet50-v1/,
  });
  await assert.rejects(loadModel(card('resnet50-v1'), { folder: '/' }), {
    message: /lacks \d+ tensors of the resnet50-v1 backbone/,
  });
});

test('half precision is read, and numbers of another byte order are not taken for weights', async () => {
  const { tensors } = await readKeras(golden('half.h5'));
  assert.deepEqual([...tensors.get('bn1.weight')!.data], [0.5, -1.5, 65504]);
  assert.deepEqual([...tensors.keys()], ['bn1.weight', 'layer1.0.conv3.weight']);
});

test('networks that are not known, and arrays without names, are refused with a way out', async () => {
  const array = { shape: [1], data: Float32Array.of(1) };
  const refused = async (names: readonly string[], message: RegExp) =>
    assert.rejects(
      readKeras(temporaryFile('x.h5', await kerasH5(new Map(names.map((name) => [name, array]))))),
      {
        code: 'MODEL',
        message,
      },
    );
  await refused(
    ['block1_conv1/kernel', 'block1_conv1/bias'],
    /no DenseNet or ResNet.*block1_conv1.*Export the model to ONNX/,
  );
  await refused(['conv2_block1_preact_bn/gamma'], /pre-activation ResNet \(ResNetV2\)/);
  await refused(['layers/conv2d/vars/0', 'layers/conv2d/vars/1'], /layers have no names.*save_weights/);
  await refused(
    ['a/conv1_bn/gamma', 'b/conv1_bn/gamma', 'conv2_block1_3_conv/gamma'],
    /two arrays for conv1_bn\/gamma/,
  );
  await refused([], /holds no DenseNet or ResNet of keras\.applications\./);
  assert.throws(() => torchWeights([]), { code: 'MODEL' });
  const numbered = npz(new Map([['arr_0', array]]));
  await assert.rejects(readNpz(temporaryFile('n.npz', numbered)), {
    message: /no names, only numbers \(arr_0\).*savez\(file, \*\*/,
  });
  await assert.rejects(readKeras(temporaryFile('no.h5', 'PNG')), { message: /no\.h5: not an HDF5 file/ });
});

test('a state dict in .npz is read by its names, in Fortran order and big endian too', async () => {
  const shape = [2, 3];
  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  const swapped = Float32Array.from([1, 4, 2, 5, 3, 6]);
  Buffer.from(swapped.buffer).swap32();
  const arrays = new Map<string, Numbers | Buffer>([
    ['fc.weight', { shape, data }],
    ['double', { shape, data: Float64Array.from(data) }],
    ['turned', npy({ shape, data: swapped }, '>f4', true)],
    ['counter', { shape: [1], data: Int32Array.of(5) }],
  ]);
  const { tensors } = await readNpz(temporaryFile('state.npz', npz(arrays)));
  assert.deepEqual([...tensors.keys()], ['fc.weight', 'double', 'turned']);
  for (const { data: read } of tensors.values()) assert.deepEqual(read, data);
});

test('inspect lists the arrays of a Keras file by layer', async () => {
  const described = await describeModel(golden('densenet.keras'));
  assert.equal(described.format, 'keras');
  const text = JSON.stringify(described);
  assert.match(text, /conv1_conv\/0/);
  assert.match(JSON.stringify(await describeModel(golden('resnet.npz'))), /conv1_conv\/kernel/);
});

test('links into other files and shapes of 2^40 elements lead nowhere', async () => {
  const folder = join(temporaryFile('other.h5', ''), '..');
  const secret = join(folder, 'secret.h5');
  writeFileSync(
    secret,
    await kerasH5(new Map([['conv1_bn/gamma', { shape: [1], data: Float32Array.of(7) }]])),
  );
  const path = temporaryFile('linked.h5', await linked(secret));
  await assert.rejects(readKeras(path), { code: 'MODEL', message: /no DenseNet or ResNet/ });
  const before = process.memoryUsage().rss;
  await assert.rejects(readKeras(temporaryFile('huge.h5', await huge([2 ** 20, 2 ** 20]))), {
    code: 'MODEL',
    message: /conv1_bn\/gamma\): is an array \[1048576, 1048576\], too large for a file of \d+ bytes/,
  });
  assert.ok(process.memoryUsage().rss - before < 100e6);
});
