import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportTrial, HALF_ROUNDING } from '../../src/execute/export-trial.js';
import { runSweep } from '../../src/execute/run-sweep.js';
import { openOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { loadModel, readCard } from '../../src/model/registry.js';
import { readSafetensors } from '../../src/model/weights/safetensors.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { readExportedModel } from '../../src/predict/exported-model.js';
import { evaluateSet } from '../../src/stats/evaluate.js';
import { type OkRow, readLedger } from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { runFolder } from '../../src/sweep/run-folder.js';
import { largestDifference, runOnnx } from '../model/run-onnx.js';
import {
  COLOURS,
  DENSE,
  exported,
  exportOptions,
  GREY,
  normalised,
  SIZE,
  source,
  testSet,
  train,
} from './exported-trials.js';
import { InProcessExecutor } from './in-process.js';
import { optionsOf, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const timeout = 120_000;

test('networks of all strategies give the recorded test logits and AUROC in onnxruntime', {
  timeout,
}, async (t) => {
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', DENSE, GREY),
    epochs: 2,
    set: [
      'grid.n=20',
      'grid.task=findings',
      'grid.strategy=[extractor, last-block, full, gradual]',
      'training.dropout=0.3',
    ],
  });
  const trials = await train(config);
  const { pixels, targets, task } = await testSet(config, 'findings');
  for (const [strategy, row] of trials) {
    const made = await exported(t, config, row, 'm.onnx');
    assert.ok(made.fromRecorded <= HALF_ROUNDING, `${strategy}: ${made.fromRecorded}`);
    assert.ok(made.fromTrained < 1e-4, `${strategy}: ${made.fromTrained}`);
    const shape = [pixels.length, 1, SIZE, SIZE];
    const { values: logits } = await runOnnx(made.out, normalised(pixels, GREY, SIZE), shape);
    const recorded = await readPredictions(config.out, row.result.predictions);
    assert.ok(largestDifference(logits, recorded) < HALF_ROUNDING + 1e-4, strategy);
    const { kind, outputNames } = task;
    const { auroc } = evaluateSet({ kind, outputNames, logits, targets });
    assert.ok(Math.abs(auroc! - row.result.test.auroc!) < 1e-9, strategy);

    const file = await openOnnx(made.out);
    assert.deepEqual(
      [file.opset, file.inputs[0]!.shape, file.outputs[0]!.shape],
      [17, ['N', 1, SIZE, SIZE], ['N', 3]],
    );
    const said = readExportedModel(file.metadata, made.out)!;
    assert.deepEqual(said.labels, ['Effusion', 'Cardiomegaly', 'Infiltration']);
    assert.deepEqual(
      [said.kind, said.provenance.trial, said.provenance.source.license],
      ['multilabel', row.trial, 'CC0'],
    );
    assert.deepEqual(
      said.thresholds,
      row.result.test.labels.map(({ threshold }) => threshold),
    );
    assert.doesNotMatch(file.metadata.get('thaw')!, /\/tmp|\/home/, 'no paths of this machine');
  }
});

test('crops, mirrored views and channels in another order are those of the training', {
  timeout,
}, async (t) => {
  const side = 28;
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('colours', "architecture: 'resnet(8, [1, 1])', randomSeed: 2", COLOURS),
    epochs: 2,
    set: [
      'grid.n=20',
      'grid.task=effusion',
      'grid.strategy=[extractor, full]',
      'training.testViews=flip',
      `training.augment={ crop: random, size: ${side}, flip: 0.5 }`,
    ],
  });
  const trials = await train(config);
  const { pixels } = await testSet(config, 'effusion');
  for (const [strategy, row] of trials) {
    const seen = strategy === 'full' ? side : SIZE;
    const made = await exported(t, config, row, 'm.onnx');
    assert.deepEqual(made.exported.views, ['identity', 'hflip']);
    const shape = [pixels.length, 3, seen, seen];
    const plain = await runOnnx(made.out, normalised(pixels, COLOURS, seen), shape);
    const mirrored = await runOnnx(made.out, normalised(pixels, COLOURS, seen, true), shape);
    const logits = plain.values.map((value, index) => (value + mirrored.values[index]!) / 2);
    const recorded = await readPredictions(config.out, row.result.predictions);
    assert.ok(largestDifference(logits, recorded) < HALF_ROUNDING + 1e-4, strategy);
  }
});

test('drawn views of another size leave the size of the input open', { timeout }, async (t) => {
  const views = '{ passes: 2, augment: { crop: random, size: 24 } }';
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', DENSE, GREY),
    set: ['grid.n=20', 'grid.task=effusion', `training.testViews=${views}`],
  });
  const [row] = (await train(config)).values();
  // `exportTrial` shows the written network the same draws of the test images, and compares.
  const made = await exported(t, config, row!, 'm.onnx');
  assert.ok(made.fromTrained < 1e-4 && made.fromRecorded <= HALF_ROUNDING);
  const { inputs } = await openOnnx(made.out);
  assert.deepEqual(
    inputs[0]!.shape.map((length) => typeof length),
    ['string', 'number', 'string', 'string'],
  );
  const { shape } = await runOnnx(made.out, new Float32Array(3 * 24 * 24), [3, 1, 24, 24]);
  assert.deepEqual(shape, [3, 1]);
});

test('safetensors have the published names, shapes and order of channels', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const sources = [
    source('dense', DENSE, GREY),
    source('padded', 'architecture: resnet20, randomSeed: 3', GREY),
    source('squeeze', 'architecture: squeezenet1_1, randomSeed: 3', GREY),
  ].join('\n');
  const config = tinyConfig(folder, {
    sources,
    epochs: 1,
    set: ['grid.n=20', 'grid.task=findings', 'training.lr=0.01'],
  });
  await train(config);
  const { rows } = await readLedger(config.out);
  const rowOf = (name: string) => rows.find(({ spec }) => spec.source === name) as OkRow;
  for (const [name, architecture, classifier] of [
    ['dense', 'densenet-bc(10, 8, 0.5)', 'classifier'],
    ['padded', 'resnet20', 'linear'],
  ] as const) {
    const { out, exported: said } = await exported(t, config, rowOf(name), 'm.safetensors');
    const tensors = await readSafetensors(out);
    const published = zooGraph(architecture, { channels: 1, size: SIZE, classes: 3, seed: null });
    assert.deepEqual(
      [...tensors].map(([tensor, { shape }]) => [tensor, [...shape]]),
      [...published.parameters].map(([tensor, { shape }]) => [tensor, [...shape]]),
    );
    assert.deepEqual(tensors.get(`${classifier}.bias`)!.shape, [3]);

    // The way back: the file as a source's weights gives the same logits as the .onnx.
    const card = join(folder, `${name}.json`);
    const input = { size: SIZE, order: 'RGB', ...GREY };
    writeFileSync(card, JSON.stringify({ name, pretraining: 'x', architecture, file: out, input }));
    const onnx = await exported(t, config, rowOf(name), 'm.onnx');
    const image = Float32Array.from({ length: SIZE * SIZE }, (_, index) => Math.sin(index));
    const { values } = await runOnnx(onnx.out, image, [1, 1, SIZE, SIZE]);
    const { graph } = await loadModel(await readCard(card), { folder });
    // Published classifiers have 10 outputs: this one is dropped, the features are compared through it.
    const features = await runOnnx(writeOnnx(graph), image, [1, 1, SIZE, SIZE]);
    const weight = tensors.get(`${classifier}.weight`)!;
    const order = [
      ...(published.channelOrder?.get(`${classifier}.weight`)?.inputs ?? features.values.keys()),
    ];
    const logits = [0, 1, 2].map((output) => {
      const own = weight.data.subarray(output * order.length, (output + 1) * order.length);
      const sum = order.reduce((total, channel, index) => total + own[channel]! * features.values[index]!, 0);
      return sum + tensors.get(`${classifier}.bias`)!.data[output]!;
    });
    assert.ok(largestDifference(values, logits) < 1e-4, name);
    assert.equal(said.labels.length, 3);
  }
  await assert.rejects(exported(t, config, rowOf('squeeze'), 'm.safetensors'), {
    code: 'MODEL',
    message: /the published squeezenet1_1 does not classify by a linear layer.*Write an \.onnx file/,
  });
});

test('a trial that comes out otherwise, or whose data have changed, is not exported', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const parts = { sources: source('dense', DENSE, GREY), epochs: 2 };
  const set = ['grid.n=20', 'grid.task=effusion'];
  const config = tinyConfig(folder, { ...parts, set });
  const [row] = (await train(config)).values();
  const signal = new AbortController().signal;
  const out = join(folder, 'm.onnx');
  const options = { ...exportOptions, out, signal };

  await assert.rejects(exportTrial(config.out, row!, { ...options, out: join(folder, 'm.pth') }), {
    code: 'CONFIG',
    message: /--out: expected a name that ends in \.onnx or \.safetensors/,
  });

  // An earlier config of the run is found by what it says.
  const other = tinyConfig(folder, { ...parts, set, split: '{ kind: random, seed: 1 }' });
  await runSweep(other, new InProcessExecutor(), optionsOf(other));
  await exportTrial(config.out, row!, options);
  rmSync(out);

  // A row whose predictions are another trial's.
  const all = (await readLedger(config.out)).rows as OkRow[];
  const foreign = all.find(({ trial }) => trial !== row!.trial)!;
  const mixed = { ...row!, result: { ...row!.result, predictions: foreign.result.predictions } };
  await assert.rejects(exportTrial(config.out, mixed, options), {
    code: 'RUNTIME',
    message: /came out otherwise than it was recorded: test logits differ by up to .* AUROC .* --force/,
  });
  assert.equal(existsSync(out), false);
  await exportTrial(config.out, mixed, { ...options, force: true });
  assert.ok(existsSync(out));

  for (const index of [1, 2, 3]) rmSync(join(config.out, `sweep.${index}.json`), { force: true });
  await assert.rejects(exportTrial(config.out, row!, options), {
    code: 'CONFIG',
    message:
      /cannot train the trial [0-9a-f]{8} again: the data set drawn \(table, images or split\) changed since/,
  });
  const { sweepFile } = runFolder(config.out);
  const text = JSON.parse(readFileSync(sweepFile, 'utf8'));
  writeFileSync(sweepFile, JSON.stringify({ ...text, sources: {} }));
  await assert.rejects(exportTrial(config.out, row!, options), {
    message: /has no data set drawn, task effusion and source dense/,
  });
});
