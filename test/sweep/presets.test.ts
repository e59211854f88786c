import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { catalogue } from '../../src/model/registry/catalogue.js';
import { readPretrainConfig } from '../../src/pretrain/config.js';
import { pretrainedFiles } from '../../src/pretrain/result.js';
import { countTrials, expandTrials } from '../../src/sweep/expand.js';
import { parseConfig, readConfig } from '../../src/sweep/read-config.js';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

describe('presets', () => {
  it('quickstart is a valid sweep of 680 trials on models that are there', async () => {
    const config = await readConfig(path('presets/quickstart.yaml'));
    assert.equal(config.name, 'quickstart');
    assert.equal(countTrials(config), 680);
    const cards = Object.values(config.sources).flatMap((source) => ('card' in source ? [source.card] : []));
    assert.deepEqual(cards.filter(existsSync), cards);
    assert.equal(cards.length, 3);
  });
});

/** Trials of each preset of the paper: tasks × trainings × N × seeds. */
const ROMERO = {
  romero2020: 2 * ((2 + 4 * 8) * 2 + 1) * 12 * 10,
  'romero2020/policies': 2 * 5 * 2 * 12 * 10,
  'romero2020/strategies': 2 * 8 * 12 * 10,
  'romero2020/sources': 2 * (1 + 4 * 3) * 12 * 10,
  'romero2020/n-ladder': 2 * (3 + 1) * 9 * 2,
  'romero2020/radiomics': 2 * 19 * 10,
} as const;

describe('the presets of the paper', () => {
  for (const [name, trials] of Object.entries(ROMERO)) {
    it(`${name} is a valid sweep of ${trials} trials, as its comment says, on models that are published or pretrained`, async () => {
      const file = path(`presets/${name}.yaml`);
      const text = await readFile(file, 'utf8');
      assert.ok(text.includes(`${trials.toLocaleString('en')} trials`), 'the comment');
      const named = [...text.matchAll(/\{ model: ([\w-]+) \}/g)].map((match) => match[1]!);
      const known: string[] = [...catalogue.map(({ card }) => card.name), ...(await upstreams())];
      for (const model of named) assert.ok(known.includes(model), model);
      const registered = new Map(named.map((model) => [model, `/models/${model}.json`]));
      const config = parseConfig(text, { file, registered, environment: { NIH: '/nih' } });
      assert.equal(countTrials(config), trials);
    });
  }

  it('views, crops and augmentation fit together in every trial', async () => {
    for (const name of Object.keys(ROMERO)) {
      const file = path(`presets/${name}.yaml`);
      const text = await readFile(file, 'utf8');
      const registered = new Map(
        [...text.matchAll(/\{ model: ([\w-]+) \}/g)].map((match) => [match[1]!, '/m.json']),
      );
      const config = parseConfig(text, { file, registered, environment: { NIH: '/nih' } });
      const stored = config.data.nih!.image.size;
      for (const { strategy, network, testViews } of expandTrials(config)) {
        if (testViews === undefined || typeof testViews === 'string' || strategy === 'extractor') continue;
        const augment = network?.augment ?? 'none';
        const trained = augment === 'none' ? stored : augment.size || stored;
        assert.equal(testViews.augment.size || stored, trained, `${name}: ${strategy}`);
      }
    }
  });
});

/** Names of the models that the presets for pretraining make. */
async function upstreams(): Promise<string[]> {
  const folder = path('presets/upstream');
  const texts = await Promise.all(
    (await readdir(folder)).map((file) => readFile(`${folder}/${file}`, 'utf8')),
  );
  return texts.flatMap((text) => /^name: (\S+)/m.exec(text)?.[1] ?? []);
}

/** Trials of each sweep of bench/results: those of the networks and heads, and of radiomics. */
const RESULTS = {
  nih1000: 2 * 5 * 10 * (5 * 4 + 2 + 1),
  pneumoniamnist: 4 * 5 * (5 * 4 + 2 + 1),
  'learning-rates': 2 * (2 * 6 + 4 * 4),
  'embedded-models': 3 * 8 * 3 * 4 * 10,
} as const;

describe('the sweeps of docs/results.md', () => {
  const folder = path('bench/results');

  for (const [name, trials] of Object.entries(RESULTS)) {
    it(`${name} is a valid sweep of ${trials} trials on models that come with it or are pretrained beside it`, async () => {
      const config = await readConfig(`${folder}/${name}.yaml`, { environment: {} });
      assert.equal(countTrials(config), trials);
      const made = (await readdir(`${folder}/pretrain`)).map(async (file) => {
        const { out, name: model } = await readPretrainConfig(`${folder}/pretrain/${file}`, {
          environment: {},
        });
        assert.equal(file, `${model}.yaml`);
        return pretrainedFiles({ out, name: model }).card;
      });
      const known = await Promise.all(made);
      for (const source of Object.values(config.sources)) {
        if ('card' in source) assert.ok(known.includes(source.card) || existsSync(source.card), source.card);
      }
    });
  }
});

describe('the documentation of the config', () => {
  it('has examples that are accepted', async () => {
    const text = await readFile(path('docs/config.md'), 'utf8');
    const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);
    assert.ok(examples.length >= 6);
    const published = new Map(catalogue.map(({ card }) => [card.name, `/models/${card.name}.json`]));
    const [whole, ...parts] = examples as [string, ...string[]];
    assert.equal(countTrials(parseConfig(whole, { file: '/config.yaml' })), 75);
    const base: Record<string, string> = {
      data: 'data:\n  nih: { kind: chestxray14, root: x }\n',
      tasks: 'tasks: { findings: { kind: multilabel } }\n',
      sources: 'sources: { imagenet: { card: c.json } }\n',
    };
    for (const part of parts) {
      const key = /^(\w+):/.exec(part)![1]!;
      const section = key === 'nih' ? `data:\n${part.replaceAll(/^/gm, '  ')}` : part;
      const others = Object.entries(base).filter(([name]) => !section.startsWith(`${name}:`));
      const config = parseConfig(`${others.map(([, value]) => value).join('')}${section}`, {
        file: '/config.yaml',
        environment: { DATA: '/d' },
        registered: published,
      });
      assert.ok(countTrials(config) > 0, key);
    }
  });
});
