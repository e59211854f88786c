import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countTrials, expandTrials, type Fingerprints } from '../../src/sweep/expand.js';
import { filterTrials, parseFilter } from '../../src/sweep/filter.js';
import { trialIdentifier } from '../../src/sweep/trial-id.js';
import { type TrialSpec, trialId } from '../../src/train/trial.js';
import { config } from './configs.js';
import { spec } from './rows.js';

const fingerprints: Fingerprints = {
  data: new Map([
    ['nih', 'd-nih'],
    ['own', 'd-own'],
  ]),
  task: new Map(
    ['nih', 'own'].flatMap((data) =>
      ['findings', 'pneumonia'].map((task) => [`${data}/${task}`, `t-${data}-${task}`] as const),
    ),
  ),
  source: new Map([['imagenet', { fingerprint: 's-imagenet', arch: 'squeezenet1_1' }]]),
  lastStageCut: new Map([
    ['nih/imagenet', 'block2'],
    ['own/imagenet', 'block1'],
  ]),
};

const brief = (keys: readonly (keyof TrialSpec)[]) => (trial: TrialSpec) =>
  keys.map((key) => trial[key]).join(' ');

describe('expansion', () => {
  it('is the product of the axes, outermost first, whatever the order in the file', () => {
    const trials = [
      ...expandTrials(
        config('grid: { seed: 2, n: [50, all], lr: [0.1, 0.01], task: findings, dataset: nih }'),
      ),
    ];
    assert.deepEqual(trials.map(brief(['lr', 'n', 'seed'])), [
      '0.1 50 0',
      '0.1 50 1',
      '0.1 all 0',
      '0.1 all 1',
      '0.01 50 0',
      '0.01 50 1',
      '0.01 all 0',
      '0.01 all 1',
    ]);
  });

  it('takes everything named in data, tasks and sources unless the grid says otherwise', () => {
    const trials = [...expandTrials(config(''))];
    assert.deepEqual(trials.map(brief(['dataset', 'task', 'source', 'strategy', 'n', 'seed'])), [
      'nih findings imagenet extractor all 0',
      'nih pneumonia imagenet extractor all 0',
      'own findings imagenet extractor all 0',
      'own pneumonia imagenet extractor all 0',
    ]);
  });

  it('fills in the fingerprints and no key more than a spec has', () => {
    const [first] = expandTrials(config('grid: { dataset: own }'), fingerprints);
    assert.deepEqual(Object.keys(first!).sort(), Object.keys(spec).sort());
    assert.equal(first!.dataFingerprint, 'd-own');
    assert.equal(first!.taskFingerprint, 't-own-findings');
    assert.equal(first!.sourceFingerprint, 's-imagenet');
    assert.equal(first!.arch, 'squeezenet1_1');
  });

  it('varies the lists of a zip together', () => {
    const trials = [
      ...expandTrials(
        config(
          'zip: [{ lr: [0.1, 0.01], optimizer: [adam, sgd] }]\ngrid: { task: findings, dataset: nih, seed: 2 }',
        ),
      ),
    ];
    assert.deepEqual(
      trials.map((trial) => `${trial.seed} ${trial.lr} ${trial.optimizer.kind}`),
      ['0 0.1 adam', '0 0.01 sgd', '1 0.1 adam', '1 0.01 sgd'],
    );
  });

  it('crosses several zips with each other', () => {
    const text =
      'zip: [{ lr: [0.1, 0.01], batch: [8, 16] }, { seed: [3, 4], n: [50, all] }]\ngrid: { task: findings, dataset: nih }';
    const trials = [...expandTrials(config(text))];
    assert.deepEqual(trials.map(brief(['lr', 'batch', 'n', 'seed'])), [
      '0.1 8 50 3',
      '0.1 8 all 4',
      '0.01 16 50 3',
      '0.01 16 all 4',
    ]);
  });

  it('leaves out what matches every key of an exclusion, any of the values of a key', () => {
    const text = (exclude: string) =>
      config(
        `grid: { dataset: nih, task: findings, policy: [constant, one-cycle], dropout: [0, 0.2, 0.5] }\nexclude: ${exclude}`,
      );
    const left = (exclude: string) =>
      [...expandTrials(text(exclude))].map((trial) => `${trial.policy.kind} ${trial.dropout}`);
    assert.deepEqual(left('[{ policy: constant, dropout: [0.2, 0.5] }]'), [
      'constant 0',
      'one-cycle 0',
      'one-cycle 0.2',
      'one-cycle 0.5',
    ]);
    assert.deepEqual(left('[{ policy: constant }, { dropout: 0 }]'), ['one-cycle 0.2', 'one-cycle 0.5']);
    assert.equal(left('[{ policy: constant, seed: 1 }]').length, 6);
  });

  it('takes a word in an exclusion for every policy of the kind, and parts of a policy for that part', () => {
    const left = (exclude: string) =>
      [
        ...expandTrials(
          config(
            `grid: { dataset: nih, task: findings, policy: [constant, {kind: step, factor: 0.1}, {kind: step, factor: 0.5}, {kind: step, at: [0.9]}] }\nexclude: ${exclude}`,
          ),
        ),
      ].map(({ policy }) => (policy.kind === 'step' ? `${policy.factor} at ${policy.at}` : policy.kind));
    assert.deepEqual(left('[{ policy: step }]'), ['constant']);
    assert.deepEqual(left('[{ policy: { kind: step, factor: 0.1 } }]'), ['constant', '0.5 at 0.5,0.75']);
    assert.deepEqual(left('[{ policy: { at: [0.9] } }]'), ['constant', '0.1 at 0.5,0.75', '0.5 at 0.5,0.75']);
  });

  it('gives a task only the data sets that it names', () => {
    const trials = [
      ...expandTrials(
        config('', {
          tasks:
            '{ findings: { kind: multilabel, datasets: [own] }, pneumonia: { kind: binary, positive: Pneumonia } }',
        }),
      ),
    ];
    assert.deepEqual(trials.map(brief(['dataset', 'task'])), [
      'nih pneumonia',
      'own findings',
      'own pneumonia',
    ]);
  });

  it('counts what it expands to', () => {
    for (const text of [
      '',
      'grid: { seed: 7, lr: [1, 2, 3] }',
      'grid: { seed: 7 }\nexclude: [{ seed: [1, 2], task: findings }]',
    ]) {
      assert.equal(countTrials(config(text)), [...expandTrials(config(text))].length);
    }
    assert.equal(
      countTrials(config('grid: { seed: 7 }\nexclude: [{ seed: [1, 2], task: findings }]')),
      4 * 7 - 2 * 2,
    );
    assert.equal(countTrials(config('grid: { seed: 100000, lr: [1, 2, 3, 4] }')), 4 * 4 * 100_000);
  });

  it('is lazy: the first trials of a huge grid come at once', () => {
    const [first] = expandTrials(
      config('grid: { seed: 1000000, n: [50, 100, 200, 400, all], lr: [1, 2, 3] }'),
    );
    assert.equal(first!.seed, 0);
  });

  it('is nothing when an axis has lost all its points', () => {
    const whole = config('');
    const axes = whole.axes.map((axis) => (axis.keys[0] === 'source' ? { ...axis, points: [] } : axis));
    assert.deepEqual([...expandTrials({ ...whole, axes })], []);
    assert.equal(countTrials({ ...whole, axes }), 0);
  });

  it('refuses names that no fingerprint is known for', () => {
    const known = { ...fingerprints, source: new Map() };
    assert.throws(() => expandTrials(config(''), known).next(), { code: 'RUNTIME', message: /imagenet/ });
  });
});

describe('trial ids', () => {
  it('are those of the spec by itself', () => {
    const idOf = trialIdentifier();
    const text =
      'grid: { policy: [constant, one-cycle, cosine, step], optimizer: [adam, sgd], n: [50, all], lr: [1e-7, 0.1, 1e21], subset: [images, patients] }';
    const ids = new Set<string>();
    for (const trial of expandTrials(config(text), fingerprints)) {
      assert.equal(idOf(trial), trialId(trial));
      ids.add(idOf(trial));
    }
    assert.equal(ids.size, 4 * 4 * 2 * 2 * 3 * 2);
    const odd = {
      ...spec,
      dataset: 'a"\\\u2028é',
      policy: { kind: 'step', factor: 0.1, at: [0.5] },
    } as const;
    assert.equal(idOf(odd), trialId(odd));
  });

  it('are fixed for all time', () => {
    // SHA-256 of the canonical JSON of `spec`, made with Python (json.dumps with sorted keys, 1e-08 written 1e-8).
    assert.equal(trialIdentifier()(spec), 'de3205b147d8adb7b4ab80c3ed357925');
  });
});

describe('filters', () => {
  const trials = [
    ...expandTrials(
      config(
        'grid: { dataset: nih, n: [50, 200, 400, all], lr: [0.0003, 0.001, 0.003], policy: [constant, {kind: step, factor: 0.5}], subset: [images, patients] }',
      ),
      fingerprints,
    ),
  ];
  const keep = (text: string) => filterTrials(trials, parseFilter(text));

  it('keep everything when empty', () => {
    assert.equal(keep('').specs.length, trials.length);
    assert.equal(trials.length, 2 * 4 * 3 * 2 * 2);
  });

  it('join conditions with and, values with or', () => {
    const { specs, warnings } = keep('task=pneumonia n<=200 lr=1e-3,3e-3');
    assert.deepEqual(warnings, []);
    assert.equal(specs.length, 2 * 2 * 2 * 2);
    for (const trial of specs) {
      assert.ok(
        trial.task === 'pneumonia' && (trial.n === 50 || trial.n === 200) && Number(trial.lr) >= 0.001,
      );
    }
  });

  it('order numbers, with `all` above every number', () => {
    const sizes = (text: string) => [...new Set(keep(text).specs.map(({ n }) => n))];
    assert.deepEqual(sizes('n=all'), ['all']);
    assert.deepEqual(sizes('n!=all'), [50, 200, 400]);
    assert.deepEqual(sizes('n>=400'), [400, 'all']);
    assert.deepEqual(sizes('n>50 n<400'), [200]);
    assert.deepEqual(sizes('n!=50,200'), [400, 'all']);
    assert.deepEqual(sizes('n<=all'), [50, 200, 400, 'all']);
  });

  it('compare policies and subsets by kind and by part', () => {
    assert.ok(keep('policy=step').specs.every(({ policy }) => policy.kind === 'step'));
    assert.equal(keep('policy=step').specs.length, trials.length / 2);
    assert.equal(keep('policy.factor=0.5').specs.length, trials.length / 2);
    assert.equal(keep('policy.factor>=0.6').specs.length, 0);
    assert.equal(keep('subset=patients').specs.length, trials.length / 2);
  });

  it('warn of values that no trial has, with the nearest one or all that there are', () => {
    const typo = keep('task=pneumona,findings');
    assert.equal(typo.specs.length, trials.length / 2);
    assert.deepEqual(typo.warnings, [
      "filter task=pneumona,findings: no trial has task = pneumona. Did you mean 'pneumonia'?",
    ]);
    assert.deepEqual(keep('lr=5').warnings, [
      'filter lr=5: no trial has lr = 5; its values are 0.0003, 0.001, 0.003.',
    ]);
    assert.equal(keep('n>all').warnings.length, 1);
    assert.deepEqual(keep('task!=other').warnings, []);
  });

  it('refuse what they do not understand', () => {
    const refused = (text: string, message: RegExp) =>
      assert.throws(() => parseFilter(text), { code: 'CONFIG', message });
    refused(
      'tsk=pneumonia',
      /--filter tsk=pneumonia.*expected one of the keys dataset, task, .*Did you mean 'task'/,
    );
    refused('task', /expected a condition/);
    refused('lr=fast', /expected a number or `auto`, received 'fast'/);
    refused('n=some', /expected a number or `all`/);
    refused('lr<=1,2', /expected one value after <=/);
    refused('task<b', /no order/);
    refused('task=a,,b', /single commas/);
    refused('lr.x=1', /no parts/);
  });
});
