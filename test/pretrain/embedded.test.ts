import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findCuts } from '../../src/model/cut.js';
import { loadModel, readCard } from '../../src/model/registry.js';
import { readPretrainConfig, trialOf } from '../../src/pretrain/config.js';
import type { TrialSpec } from '../../src/train/trial.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const models = join(root, 'models');
const names = readdirSync(join(root, 'presets/pretrain')).map((file) => file.replace(/\.yaml$/, ''));

test('two networks from each of three sets, together smaller than 25 MB', () => {
  assert.deepEqual(
    names.toSorted(),
    ['densenet', 'resnet'].flatMap((network) =>
      ['chest', 'limb', 'textures'].map((set) => `${network}-${set}`),
    ),
  );
  const bytes = names.map((name) => statSync(join(models, `${name}.onnx`)).size);
  assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 25e6, String(bytes));
});

for (const name of names) {
  test(`${name} is whole, and was trained as its preset says`, async () => {
    const card = await readCard(join(models, `${name}.json`));
    const { graph } = await loadModel(card, { folder: models });
    assert.equal(card.name, name);
    assert.match(card.sha256!, /^[0-9a-f]{64}$/);
    assert.deepEqual(graph.inputShape, [1, 64, 64]);
    assert.ok(findCuts(graph).length >= 4);
    const config = await readPretrainConfig(join(root, `presets/pretrain/${name}.yaml`));
    assert.equal(card.pretraining, config.output.pretraining);
    assert.equal(card.architecture, architectureOf(config.sweep.sources.start));
    const record = JSON.parse(readFileSync(join(models, `${name}.training.json`), 'utf8'));
    const { dataFingerprint, taskFingerprint, sourceFingerprint, arch, ...settings } =
      record.spec as TrialSpec;
    const expected = { ...trialOf(config) } as Partial<Record<string, unknown>>;
    for (const key of ['dataFingerprint', 'taskFingerprint', 'sourceFingerprint', 'arch'])
      delete expected[key];
    assert.deepEqual(settings, JSON.parse(JSON.stringify(expected)));
    assert.match(card.origin!, new RegExp(record.trial));
    assert.deepEqual(card.labels, record.labels);
    assert.equal(record.curves.validationAuroc.length, settings.epochs);
  });
}

test('the chests that the embedded models have seen are no patients and no labels of quickstart', async () => {
  const card = await readCard(join(models, 'resnet-chest.json'));
  assert.deepEqual(card.trainedOn, ['phantom-chest seed 1']);
  for (const label of ['Effusion', 'Cardiomegaly', 'Edema']) assert.ok(!card.labels!.includes(label));
});

function architectureOf(source: unknown): string | undefined {
  return (source as { inline?: { architecture: string } }).inline?.architecture;
}
