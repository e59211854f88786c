import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Progress, silent } from '../../src/base/progress.js';
import { loadModel, readCard } from '../../src/model/registry.js';
import { readCheckpoint, writeCheckpoint } from '../../src/pretrain/checkpoint.js';
import { openParts } from '../../src/pretrain/open.js';
import { pretrain } from '../../src/pretrain/pretrain.js';
import { largestDifference, runOnnx } from '../model/run-onnx.js';
import { optionsOf, temporaryFolder, tinyConfig } from './tiny.js';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));
const timeout = 120_000;

/** Stops a training after so many steps of it. */
function stoppedAfter(steps: number): { progress: Progress; signal: AbortSignal } {
  const stop = new AbortController();
  let done = 0;
  const advance = () => {
    if (++done === steps) stop.abort();
  };
  const progress: Progress = {
    note: () => {},
    start: (task) => (task === 'train' ? { advance, finish: () => {} } : silent.start('', 0, '')),
  };
  return { progress, signal: stop.signal };
}

const model = (folder: string, ending = 'onnx') => readFileSync(join(folder, `models/tiny.${ending}`));
/** What does not depend on the clock. */
const record = (folder: string) => {
  const { curves, bestEpoch, validation, test: onTest } = JSON.parse(String(model(folder, 'training.json')));
  return { curves, bestEpoch, validation, onTest };
};

test('a training that is stopped, within an epoch and at its end, ends with the same bits', {
  timeout,
}, async (t) => {
  const [whole, stopped] = [temporaryFolder(t), temporaryFolder(t)];
  const { history } = await pretrain(tinyConfig(whole), optionsOf({ secondsPerPart: 60 }));
  assert.equal(history!.validationLoss.length, 4);
  const config = tinyConfig(stopped);
  for (const steps of [1, 4, 5, 9]) {
    await assert.rejects(pretrain(config, optionsOf(stoppedAfter(steps))), { code: 'ABORTED' });
    assert.ok(!existsSync(join(stopped, 'models/tiny.json')));
    assert.ok(existsSync(join(stopped, 'models/tiny.checkpoint')));
  }
  const notes: string[] = [];
  const progress: Progress = { ...silent, note: (message) => void notes.push(message) };
  await pretrain(config, optionsOf({ progress }));
  assert.match(notes.join('\n'), /goes on after 2 of 4 epochs and \d+ images/);
  assert.deepEqual(model(stopped), model(whole));
  assert.deepEqual(record(stopped), record(whole));
  assert.ok(!existsSync(join(stopped, 'models/tiny.checkpoint')));
});

test('killed at any step it goes on from the one before', { timeout }, async (t) => {
  const [whole, killed] = [temporaryFolder(t), temporaryFolder(t)];
  await pretrain(tinyConfig(whole), optionsOf({ secondsPerPart: 60 }));
  for (const steps of [3, 12]) {
    const running = spawn(process.execPath, ['--import', 'tsx', child, killed], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let seen = 0;
    running.stdout.on('data', (text: Buffer) => {
      seen += String(text).split('\n').length - 1;
      if (seen >= steps) running.kill('SIGKILL');
    });
    const [, signal] = await new Promise<unknown[]>((resolve) =>
      running.once('exit', (...end) => resolve(end)),
    );
    assert.equal(signal, 'SIGKILL');
  }
  const notes: string[] = [];
  await pretrain(
    tinyConfig(killed),
    optionsOf({ progress: { ...silent, note: (text) => void notes.push(text) } }),
  );
  assert.match(notes.join('\n'), /goes on after/);
  assert.deepEqual(model(killed), model(whole));
  assert.deepEqual(record(killed), record(whole));
});

test('the model says what it is, and computes in onnxruntime what the engine did', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const config = tinyConfig(folder, [
    'training.epochs=12',
    'training.select=auroc',
    'training.dropout=0',
    'training.lr=0.02',
    'training.augment={ crop: center, size: 28 }',
  ]);
  const { files, history } = await pretrain(config, optionsOf({ secondsPerPart: 1 }));
  const card = await readCard(files.card);
  assert.deepEqual(
    { ...card, sha256: '', origin: '' },
    {
      name: 'tiny',
      pretraining: 'chest-phantoms',
      architecture: 'resnet(8,[1,1])',
      file: 'tiny.onnx',
      sha256: '',
      input: { size: 28, channels: 1, order: 'RGB', scale: 0.00392156862745098, mean: [0.5], std: [0.25] },
      trainedOn: ['phantom-chest seed 11'],
      site: 'chest',
      labels: ['Effusion', 'Cardiomegaly'],
      license: 'MIT',
      citation: 'none',
      origin: '',
    },
  );
  assert.match(card.origin!, /^thaw pretrain tiny.yaml, training [0-9a-f]{32}, thaw \d+\.\d+\.\d+$/);
  // The file's digest is checked here.
  const loaded = await loadModel(card, { folder: config.out });
  assert.deepEqual(loaded.graph.inputShape, [1, 28, 28]);

  const { trial, inputs } = await openParts(config, optionsOf());
  const pixels = readFileSync(inputs.images.dataPath);
  const rows = [...trial.validationRows];
  const input = new Float32Array(rows.length * 28 * 28);
  for (const [place, row] of rows.entries())
    for (let y = 0; y < 28; y++)
      for (let x = 0; x < 28; x++) {
        const pixel = pixels[row * 32 * 32 + (y + 2) * 32 + x + 2]!;
        input[(place * 28 + y) * 28 + x] = (pixel / 255 - 0.5) / 0.25;
      }
  const logits = await runOnnx(files.network, input, [rows.length, 1, 28, 28]);
  assert.deepEqual(logits.shape, [rows.length, 2]);
  const difference = largestDifference(logits.values, history!.validationLogits);
  assert.ok(difference < 1e-4, `${difference}`);

  const { curves, bestEpoch } = record(folder);
  assert.equal(curves.validationAuroc.length, 12);
  assert.equal(bestEpoch, history!.bestEpoch);
  assert.ok(curves.trainLoss.at(-1) < curves.trainLoss[0] - 0.07, String(curves.trainLoss));
  assert.ok(curves.trainLoss.at(-1) < Math.LN2 - 0.05, String(curves.trainLoss));
});

test('a finished training is not trained again; another one of its name is refused or replaced', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const short = ['training.epochs=1'];
  await pretrain(tinyConfig(folder, short), optionsOf());
  const again = await pretrain(tinyConfig(folder, short), optionsOf());
  assert.equal(again.history, undefined);
  assert.equal(again.card.name, 'tiny');
  const other = tinyConfig(folder, [...short, 'training.lr=0.01']);
  await assert.rejects(pretrain(other, optionsOf()), {
    code: 'CONFIG',
    message: /tiny\.json: there is a model of this name that was trained otherwise.*--restart/,
  });
  const before = model(folder);
  const restarted = optionsOf({ ...stoppedAfter(3), restart: true });
  await assert.rejects(pretrain(other, restarted), { code: 'ABORTED' });
  assert.deepEqual(model(folder), before, 'the model is there until another takes its place');
  const { history } = await pretrain(other, optionsOf());
  assert.equal(history?.trainLoss.length, 1);
  assert.notDeepEqual(model(folder), before);
});

test('a checkpoint of other settings is refused by their names, a damaged one as such', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(pretrain(tinyConfig(folder), optionsOf(stoppedAfter(2))), { code: 'ABORTED' });
  const changed = tinyConfig(folder, ['training.lr=0.01', 'training.clipNorm=1', 'data.prevalence=nih']);
  await assert.rejects(pretrain(changed, optionsOf()), {
    code: 'CONFIG',
    message: /begun with other settings \(lr, dataFingerprint, taskFingerprint, clipNorm\).*--restart/,
  });
  const notes: string[] = [];
  const progress: Progress = { ...silent, note: (message) => void notes.push(message) };
  const stop = stoppedAfter(1);
  await assert.rejects(
    pretrain(
      tinyConfig(folder),
      optionsOf({
        ...stop,
        threads: 2,
        progress: { ...stop.progress, ...progress, start: stop.progress.start },
      }),
    ),
    { code: 'ABORTED' },
  );
  assert.match(notes.join('\n'), /begun with 1 threads, goes on with 2/);
  const checkpoint = join(folder, 'models/tiny.checkpoint');
  const state = (await readCheckpoint(checkpoint))!;
  await writeCheckpoint(checkpoint, { ...state, snapshot: state.snapshot.subarray(40) });
  await assert.rejects(pretrain(tinyConfig(folder), optionsOf()), {
    code: 'RUNTIME',
    message: /does not fit this version of thaw.*--restart/,
  });
  truncateSync(checkpoint, 5000);
  await assert.rejects(pretrain(tinyConfig(folder), optionsOf()), {
    code: 'RUNTIME',
    message: /tiny\.checkpoint: not a checkpoint, or a damaged one\. .*--restart/,
  });
  writeFileSync(checkpoint, 'nothing of the kind');
  await assert.rejects(pretrain(tinyConfig(folder), optionsOf()), { code: 'RUNTIME' });
  await pretrain(tinyConfig(folder, ['training.epochs=1']), optionsOf({ restart: true }));
});

test('from another model, by parts of the network, and through stored activations', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const first = ['training.epochs=1', 'training.augment=none'];
  await pretrain(tinyConfig(folder, first), optionsOf());
  const start = await loadModel(await readCard(join(folder, 'models/tiny.json')), {
    folder: join(folder, 'models'),
  });
  for (const strategy of ['last-block', 'gradual', 'lp-ft', 'none']) {
    const config = tinyConfig(folder, [
      ...first,
      `name=${strategy}`,
      'source={ card: models/tiny.json }',
      `training.strategy=${strategy}`,
      'data.seed=12',
    ]);
    const { card } = await pretrain(config, optionsOf());
    assert.deepEqual(card.trainedOn, ['phantom-chest seed 11', 'phantom-chest seed 12']);
    const { graph } = await loadModel(card, { folder: config.out });
    const stem = (of: typeof graph) => of.parameters.get('conv1.weight')!.data;
    if (strategy === 'last-block') assert.deepEqual(stem(graph), stem(start.graph));
    else assert.notDeepEqual(stem(graph), stem(start.graph));
  }
});
