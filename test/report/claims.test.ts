import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { type ClaimResult, evaluateClaims } from '../../src/report/claims.js';
import { readExperiment } from '../../src/report/experiment.js';
import { lawAt, type PowerLaw } from '../../src/stats/power-law.js';
import type { Claim } from '../../src/sweep/claims-schema.js';
import type { OkRow } from '../../src/sweep/ledger.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { config } from '../sweep/configs.js';
import { okRow, policies } from './fixture.js';

/** 0.88 − 3 / √N overtakes 0.76 − 0.6 / √N at N = 400. */
const slow: PowerLaw = { a: 0.88, b: 3, c: 0.5 };
const quick: PowerLaw = { a: 0.76, b: 0.6, c: 0.5 };
const sizes = [50, 100, 200, 400, 800, 1600] as const;

interface Grid {
  readonly laws: Readonly<Record<string, PowerLaw>>;
  readonly seeds?: number;
  readonly sd?: number;
  readonly study?: number;
  readonly tasks?: readonly string[];
  readonly changes?: Partial<TrialSpec>;
}

/** A finished trial for each source (its law), N and seed; seeds help or hurt all sources alike and each alone. */
function rowsOf({
  laws,
  seeds = 6,
  sd = 0.01,
  study = 0,
  tasks = ['findings'],
  changes = {},
}: Grid): OkRow[] {
  const random = new RandomStream(study, STREAM.phantom, 77);
  return tasks.flatMap((task) =>
    sizes.flatMap((n) =>
      Array.from({ length: seeds }, (_, seed) => {
        const common = 2 * sd * random.normal();
        return Object.entries(laws).map(([source, law]) => {
          const auc = lawAt(law, n) + common + sd * random.normal();
          return okRow({ task, source, n, seed, ...changes }, { validation: auc, test: auc });
        });
      }).flat(),
    ),
  );
}

/** Claims as a config has them. */
function claimsOf(text: string): Readonly<Record<string, Claim>> {
  const grid = 'grid: { n: [50, 100], strategy: [extractor, full] }';
  const sources = '  random: { card: random.json }\n  mura: { card: mura.json }';
  return config(`${grid}\nclaims:\n${text}`, { sources }).claims!;
}

function evaluate(text: string, rows: readonly OkRow[], alpha = 0.05): Readonly<Record<string, ClaimResult>> {
  const results = evaluateClaims(claimsOf(text), readExperiment(rows), {
    patientsOf: () => undefined,
    alpha,
  });
  return Object.fromEntries(results.map((result) => [result.name, result]));
}

const planted = rowsOf({ laws: { imagenet: slow, random: quick } });

test('comparisons: supported, contradicted, and the effect that was planted', () => {
  const results = evaluate(
    `  late: { kind: comparison, where: n>=800, side: source=imagenet, against: source=random }
  early: { kind: comparison, where: n<=100, side: source=imagenet, against: source=random }
  early-lower: { kind: comparison, where: n<=100, side: source=imagenet, against: source=random, expect: lower, margin: 0.05 }
  by-much: { kind: comparison, where: n>=800, side: source=imagenet, against: source=random, margin: 0.3 }
  alike: { kind: comparison, where: n=400, side: source=imagenet, against: source=random, expect: equal, margin: 0.05 }
  no-worse: { kind: comparison, where: n=400, side: source=imagenet, against: source=random, expect: not-lower, margin: 0.05 }`,
    planted,
  );
  const verdicts = Object.entries(results).map(([name, { verdict }]) => [name, verdict]);
  assert.deepEqual(verdicts, [
    ['late', 'supported'],
    ['early', 'contradicted'],
    ['early-lower', 'supported'],
    ['by-much', 'contradicted'],
    ['alike', 'supported'],
    ['no-worse', 'supported'],
  ]);
  // (0.12 − 2.4 / √800 + 0.12 − 2.4 / √1600) / 2
  const { effect, seeds, sizes: used, over, trials, detectable } = results.late!.deciding;
  assert.ok(effect?.unit === 'auroc' && Math.abs(effect.value - 0.0476) < 0.015, JSON.stringify(effect));
  assert.ok(effect.low < 0.0476 && 0.0476 < effect.high);
  assert.deepEqual([seeds, used, over, trials.length], [6, ['800', '1,600'], 'seeds', 24]);
  assert.ok(detectable! > 0.003 && detectable! < 0.05, String(detectable));
});

test('a claim that the data cannot decide says what they could have found', () => {
  const rows = rowsOf({
    laws: { imagenet: { a: 0.705, b: 0, c: 1 }, random: { a: 0.7, b: 0, c: 1 } },
    seeds: 2,
    sd: 0.03,
  });
  const { small } = evaluate(
    '  small: { kind: comparison, where: n=50, side: source=imagenet, against: source=random }',
    rows,
  );
  assert.equal(small!.verdict, 'undecided');
  assert.ok(small!.deciding.detectable! > 0.03);
  const one = evaluate(
    '  one: { kind: comparison, side: source=imagenet, against: source=random }',
    rowsOf({ laws: { imagenet: slow, random: quick }, seeds: 1 }),
  ).one!;
  assert.equal(one.verdict, 'undecided');
  assert.match(one.deciding.reason!, /one seed/);
  const none = evaluate(
    '  none: { kind: comparison, where: n>35000, side: source=imagenet, against: source=random }',
    planted,
  ).none!;
  assert.deepEqual([none.verdict, none.p, none.deciding.effect], ['undecided', 1, null]);
  assert.match(none.deciding.reason!, /no finished trials/);
});

test('several sides and each N: all must hold, one that does not contradicts', () => {
  const rows = rowsOf({ laws: { imagenet: slow, random: quick, mura: { a: 0.6, b: 0.5, c: 0.5 } } });
  const results = evaluate(
    `  both: { kind: comparison, where: n>=800, side: source=imagenet, against: [source=random, source=mura] }
  one-not: { kind: comparison, where: n<=100, side: source=random, against: [source=mura, source=imagenet] }
  one-is-not: { kind: comparison, where: n>=800, side: source=random, against: [source=mura, source=imagenet] }
  each: { kind: comparison, side: source=imagenet, against: source=random, at: each }`,
    rows,
  );
  assert.deepEqual(
    Object.values(results).map(({ verdict, parts }) => [verdict, parts.length]),
    [
      ['supported', 2],
      ['supported', 2],
      ['contradicted', 2],
      ['contradicted', 6],
    ],
  );
  assert.deepEqual(results['one-is-not']!.deciding.about, ['against source=imagenet']);
  assert.deepEqual(results.each!.deciding.about.length, 1);
});

test('tasks are parts of their own, named', () => {
  const rows = [
    ...rowsOf({ laws: { imagenet: slow, random: quick }, tasks: ['findings'] }),
    ...rowsOf({ laws: { imagenet: quick, random: slow }, tasks: ['pneumonia'] }),
  ];
  const { both } = evaluate(
    '  both: { kind: comparison, where: n>=800, side: source=imagenet, against: source=random }',
    rows,
  );
  assert.equal(both!.verdict, 'contradicted');
  assert.deepEqual(
    both!.parts.map(({ about }) => about),
    [['findings'], ['pneumonia']],
  );
  assert.deepEqual(both!.deciding.about, ['pneumonia']);
});

test('crossover, plateau and threshold on planted curves', () => {
  const results = evaluate(
    `  between: { kind: crossover, side: source=imagenet, against: source=random, between: [200, 1000] }
  before: { kind: crossover, side: source=imagenet, against: source=random, between: [60, 120] }
  beyond: { kind: crossover, side: source=imagenet, against: source=random, where: n<=200, between: [100, 5000] }
  flat-by: { kind: plateau, side: source=random, within: 0.05, by: 5000 }
  flat-early: { kind: plateau, side: source=random, within: 0.02, by: 100 }
  poor: { kind: threshold, side: [source=imagenet, source=random], where: n<=100, expect: lower, than: 0.75 }
  good: { kind: threshold, side: source=random, where: n>=800, expect: higher, than: 0.73 }`,
    rowsOf({ laws: { imagenet: slow, random: quick }, seeds: 10, sd: 0.003 }),
  );
  assert.deepEqual(
    Object.entries(results).map(([name, { verdict }]) => [name, verdict]),
    [
      ['between', 'supported'],
      ['before', 'contradicted'],
      ['beyond', 'undecided'],
      ['flat-by', 'supported'],
      ['flat-early', 'contradicted'],
      ['poor', 'supported'],
      ['good', 'supported'],
    ],
  );
  const { effect } = results.between!.deciding;
  assert.ok(effect?.unit === 'n' && effect.low!.n <= 400 && effect.high!.n >= 400, JSON.stringify(effect));
  assert.deepEqual(results.beyond!.deciding.effect?.unit === 'n' && results.beyond!.deciding.effect.value, {
    kind: 'above',
    n: 200,
  });
  const good = results.good!.deciding.effect;
  // The mean AUROC itself: 0.76 − 0.6 (1 / √800 + 1 / √1600) / 2
  assert.ok(good?.unit === 'auroc' && Math.abs(good.value - 0.7419) < 0.01, JSON.stringify(good));
});

test('contrasts: a difference of differences', () => {
  const level = (a: number): PowerLaw => ({ a, b: 0, c: 1 });
  const rows = [
    ...rowsOf({ laws: { imagenet: level(0.8), random: level(0.6) }, changes: { dropout: 0 }, study: 1 }),
    ...rowsOf({ laws: { imagenet: level(0.8), random: level(0.7) }, changes: { dropout: 0.5 }, study: 2 }),
  ];
  const [interaction] = evaluateClaims(
    {
      interaction: {
        kind: 'contrast',
        choose: 'validation',
        terms: [
          { weight: 1, side: 'source=random dropout=0.5' },
          { weight: -1, side: 'source=random dropout=0' },
          { weight: -1, side: 'source=imagenet dropout=0.5' },
          { weight: 1, side: 'source=imagenet dropout=0' },
        ],
        expect: 'higher',
        margin: 0.05,
        at: 'overall',
        pair: [],
      },
    },
    readExperiment(rows),
    { patientsOf: () => undefined, alpha: 0.05 },
  );
  const { effect } = interaction!.deciding;
  assert.ok(effect?.unit === 'auroc' && Math.abs(effect.value - 0.1) < 0.02, JSON.stringify(effect));
  assert.equal(interaction!.verdict, 'supported');
});

test('a side with several trials is what validation prefers, or their mean; pairs may share other axes', () => {
  const both = (['constant', 'oneCycle'] as const).flatMap((policy) =>
    [0, 1, 2, 3].flatMap((seed) => {
      const spec = { n: 100, seed, policy: policies[policy] };
      const better = policy === 'oneCycle' ? 0.1 : 0;
      const jitter = seed / 1000;
      // Validation prefers one-cycle.
      return [
        okRow({ ...spec, source: 'imagenet' }, { validation: 0.7 + better, test: 0.7 + better + jitter }),
        okRow({ ...spec, source: 'random' }, { validation: 0.6 + better, test: 0.6 - better - jitter }),
      ];
    }),
  );
  const effects = Object.values(
    evaluate(
      `  tuned: { kind: comparison, side: source=imagenet, against: source=random }
  mean: { kind: comparison, side: source=imagenet, against: source=random, choose: mean }
  paired: { kind: comparison, side: source=imagenet, against: source=random, pair: policy }`,
      both,
    ),
  ).map(({ deciding: { effect, trials } }) => [
    effect?.unit === 'auroc' && effect.value.toFixed(3),
    trials.length,
  ]);
  // tuned: 0.8 − 0.5; mean: 0.75 − 0.55; paired: the mean of 0.1 and 0.3; each + 2 · 0.0015.
  assert.deepEqual(effects, [
    ['0.303', 8],
    ['0.203', 16],
    ['0.203', 16],
  ]);
});

test('test patients widen what is judged, and can decide where one seed alone cannot', () => {
  const claim = '  late: { kind: comparison, where: n>=800, side: source=imagenet, against: source=random }';
  const patients = (scale: number) => (row: OkRow) => ({
    value: row.result.test.auroc!,
    contributions: Float64Array.from({ length: 100 }, (_, index) =>
      row.spec.source === 'imagenet' ? scale * Math.sin(index) : 0,
    ),
  });
  const evaluateWith = (rows: readonly OkRow[], scale: number) =>
    evaluateClaims(claimsOf(claim), readExperiment(rows), { patientsOf: patients(scale), alpha: 0.05 })[0]!;
  const wide = evaluateWith(planted, 0.02);
  assert.equal(wide.verdict, 'undecided');
  assert.equal(wide.deciding.over, 'seeds and test patients');
  const single = evaluateWith(
    rowsOf({ laws: { imagenet: slow, random: quick }, seeds: 1, sd: 0.001 }),
    0.0005,
  );
  assert.equal(single.verdict, 'supported');
  assert.equal(single.deciding.over, 'test patients');
});

test('Holm: what one claim alone would support may stay undecided among many', () => {
  const rows = rowsOf({
    laws: { imagenet: { a: 0.72, b: 0, c: 1 }, random: { a: 0.7, b: 0, c: 1 } },
    seeds: 4,
    sd: 0.012,
    study: 12,
  });
  const one = '  claim: { kind: comparison, where: n<=400, side: source=imagenet, against: source=random }';
  const alone = evaluate(one, rows).claim!;
  const others = Array.from(
    { length: 20 },
    (_, index) =>
      `  other${index}: { kind: comparison, where: n>35000, side: source=imagenet, against: source=random }`,
  );
  const among = evaluate([one, ...others].join('\n'), rows).claim!;
  assert.equal(among.p, alone.p);
  assert.ok(Math.abs(among.adjustedP - Math.min(1, 21 * alone.p)) < 1e-12);
});

test('claims that are at the edge of being true are decided wrongly no more often than alpha', () => {
  const level: PowerLaw = { a: 0.7, b: 0, c: 1 };
  let decided = 0;
  for (let study = 0; study < 150; study++) {
    const rows = rowsOf({ laws: { imagenet: level, random: level }, seeds: 3, study });
    const claim = claimsOf(
      '  same: { kind: comparison, where: n<=200, side: source=imagenet, against: source=random }',
    );
    const [result] = evaluateClaims(claim, readExperiment(rows), { patientsOf: () => undefined, alpha: 0.1 });
    decided += result!.verdict === 'undecided' ? 0 : 1;
  }
  // 150 · 0.1 = 15, sd 3.7
  assert.ok(decided >= 5 && decided <= 26, `${decided} of 150`);
});
