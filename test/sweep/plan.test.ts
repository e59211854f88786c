import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  extractSeconds,
  headSeconds,
  RATES,
  type SweepSizes,
  trainImages,
  UNKNOWN_SIZES,
} from '../../src/sweep/cost.js';
import { expandTrials } from '../../src/sweep/expand.js';
import { planSweep } from '../../src/sweep/plan.js';
import { planUnits, type WorkUnit } from '../../src/sweep/units.js';
import { type TrialSpec, trialId } from '../../src/train/trial.js';
import { config } from './configs.js';
import { failedRow, okRow, spec } from './rows.js';

const done: ReadonlySet<string> = new Set();
const sizes: SweepSizes = {
  data: new Map([
    ['nih', { side: 224, images: 1000, train: 700, trainPatients: 350, validation: 100, test: 200 }],
  ]),
  outputs: new Map([
    ['nih/findings', 14],
    ['nih/pneumonia', 1],
  ]),
  cuts: new Map([['imagenet/pooled', { features: 512, macs: 3e8, macsBehind: 0, weightsBehind: 0 }]]),
};

function trials(grid: string): TrialSpec[] {
  return [...expandTrials(config(grid))];
}

function idsOf(units: readonly WorkUnit[]): string[] {
  return units.flatMap((unit) => unit.trials.map(({ id }) => id));
}

describe('costs', () => {
  it('are the operations of training, divided by the stated rates', () => {
    const trial: TrialSpec = { ...spec, n: 64, epochs: 10, batch: 32, dropout: 0.5 };
    // 64 images × 512 features × 14 outputs, 2 steps an epoch, 100 validation and 200 test images.
    const epoch =
      (6 * 64 * 512 * 14) / RATES.headFlops +
      (2 * 512 * 14) / RATES.headUpdates +
      (64 * 512) / RATES.dropoutValues;
    const validate = (2 * 100 * 512 * 14) / RATES.headFlops;
    const expected = 10 * (epoch + validate) + (2 * 200 * 512 * 14) / RATES.headFlops;
    assert.ok(Math.abs(headSeconds(trial, sizes) / expected - 1) < 1e-12);
  });

  it('grow with everything that makes training longer', () => {
    const base = headSeconds(spec, sizes);
    const longer: Partial<TrialSpec>[] = [{ epochs: 31 }, { dropout: 0.1 }, { batch: 16 }];
    for (const change of longer)
      assert.ok(headSeconds({ ...spec, ...change }, sizes) > base, JSON.stringify(change));
    for (const change of [{ n: 50 }, { task: 'pneumonia' }])
      assert.ok(headSeconds({ ...spec, ...change }, sizes) < base);
    assert.ok(headSeconds(spec, UNKNOWN_SIZES) > 0);
  });

  it('count the images of a subset, in images or patients, and no more than there are', () => {
    const size = sizes.data.get('nih')!;
    const subset = (unit: 'images' | 'patients') => ({ unit, stratify: true });
    assert.equal(trainImages({ n: 50, subset: subset('images') }, size), 50);
    assert.equal(trainImages({ n: 50, subset: subset('patients') }, size), 100);
    assert.equal(trainImages({ n: 5000, subset: subset('images') }, size), 700);
    assert.equal(trainImages({ n: 'all', subset: subset('patients') }, size), 700);
  });

  it('of extraction leave out decoding that was done before', () => {
    assert.equal(extractSeconds(90, 45e9, true), 90 * (45e9 / RATES.extractMacs));
    assert.equal(extractSeconds(80, 0, false), 80 / RATES.decodeImages);
  });
});

describe('work units', () => {
  it('hold every trial once, with its id', () => {
    const specs = trials('grid: { lr: [0.1, 0.01], n: [50, 100, all], seed: 4, batch: [16, 32] }');
    const units = planUnits([...specs, specs[0]!], { done, workers: 3 });
    const ids = idsOf(units);
    assert.deepEqual(ids.toSorted(), specs.map(trialId).sort());
    for (const { id, spec: planned } of units[0]!.trials) assert.equal(id, trialId(planned));
  });

  it('mix no data, tasks, sources, cuts, batches, optimizers or selections', () => {
    const specs = trials(
      'grid: { lr: [0.1, 0.01], optimizer: [adam, sgd, {kind: sgd, momentum: 0.5}], batch: [16, 32], select: [loss, auroc], featureDtype: [float32, float16], labelWeights: [none, inverse], dropout: [0, 0.5] }',
    );
    const units = planUnits(specs, { done, workers: 1 });
    for (const unit of units) {
      const { dataset, task, source, cut, featureDtype } = unit;
      const shared = unit.trials.map(({ spec: { batch, optimizer, select } }) =>
        JSON.stringify([batch, optimizer, select]),
      );
      assert.equal(new Set(shared).size, 1);
      for (const { spec: own } of unit.trials) {
        assert.deepEqual(
          [own.dataset, own.task, own.source, own.cut, own.featureDtype],
          [dataset, task, source, cut, featureDtype],
        );
      }
    }
    assert.equal(units.length, 4 * 3 * 2 * 2 * 2, 'learning rates, dropouts and label weights share a unit');
  });

  it('keep trials that see the same samples together', () => {
    const specs = trials(
      'grid: { dataset: nih, task: findings, lr: [0.1, 0.01, 0.001], dropout: [0, 0.5], n: [50, 400, all], seed: 20 }',
    );
    const units = planUnits(specs, { done, workers: 2, targetSeconds: 0.01, sizes });
    assert.ok(units.length > 4);
    const unitsOf = new Map<string, Set<string>>();
    for (const unit of units) {
      for (const { spec: own } of unit.trials) {
        const key = `${own.n} ${own.seed}`;
        unitsOf.set(key, (unitsOf.get(key) ?? new Set()).add(unit.id));
      }
    }
    assert.equal(unitsOf.size, 60);
    for (const [key, ids] of unitsOf) assert.equal(ids.size, 1, key);
  });

  it('last no longer than the target, except where 64 heads of one order already do', () => {
    const grid = `grid: { dataset: nih, task: findings, n: [all, 100], seed: 3, lr: [${Array.from({ length: 500 }, (_, index) => (index + 1) / 1000)}] }`;
    const specs = trials(grid);
    const one = headSeconds({ ...spec }, sizes);
    const short = planUnits(specs, { done, workers: 1, sizes, targetSeconds: 100 * one });
    for (const unit of short) assert.ok(unit.seconds <= 100 * one * 1.0001);
    assert.ok(
      short.some((unit) => unit.trials.length > 100),
      'shorter trials are more to a unit',
    );
    const undivided = planUnits(specs, { done, workers: 1, sizes, targetSeconds: 1e-9 });
    assert.ok(Math.min(...undivided.map((unit) => unit.trials.length)) >= 64);
    assert.deepEqual(idsOf(short).toSorted(), idsOf(undivided).toSorted());
  });

  it('are limited in memory, even one order of samples', () => {
    const wide: SweepSizes = {
      ...sizes,
      cuts: new Map([['imagenet/pooled', { features: 100_000, macs: 1, macsBehind: 0, weightsBehind: 0 }]]),
    };
    const specs = trials(
      'grid: { dataset: nih, task: findings, lr: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] }',
    );
    // 10 heads × 4 × 14 × 100,000 floats = 224 MB each: two to a unit.
    assert.equal(
      planUnits(specs.slice(0, 10), { done, workers: 1, sizes: wide, targetSeconds: 1e9 }).length,
      1,
    );
    const wider: SweepSizes = {
      ...sizes,
      cuts: new Map([['imagenet/pooled', { features: 1_000_000, macs: 1, macsBehind: 0, weightsBehind: 0 }]]),
    };
    const units = planUnits(specs, { done, workers: 1, sizes: wider, targetSeconds: 1e9 });
    assert.deepEqual(
      units.map((unit) => unit.trials.length),
      [2, 2, 2, 2, 2],
    );
  });

  it('are balanced: no worker works much longer than the others', () => {
    const specs = trials(
      'grid: { dataset: nih, lr: [0.1, 0.01, 0.001], n: [50, 100, 200, 400, all], seed: 40, epochs: 3000 }',
    );
    const workers = 4;
    const units = planUnits(specs, { done, workers, sizes, targetSeconds: 1e9 });
    assert.ok(units.length >= 2 * workers);
    const busy = Array.from({ length: workers }, () => 0);
    for (const unit of units) busy[busy.indexOf(Math.min(...busy))]! += unit.seconds;
    assert.ok(Math.max(...busy) < 1.25 * Math.min(...busy), busy.join());
    for (const [index, unit] of units.entries())
      assert.ok(index === 0 || unit.seconds <= units[index - 1]!.seconds);
  });

  it('are the same for the same trials, whatever their order', () => {
    const specs = trials('grid: { lr: [0.1, 0.01], n: [50, all], seed: 3 }');
    const options = { done, workers: 2, sizes };
    const ids = (order: readonly TrialSpec[]) => planUnits(order, options).map((unit) => unit.id);
    assert.deepEqual(ids(specs), ids(specs));
    assert.deepEqual(ids(specs).toSorted(), ids(specs.toReversed()).toSorted());
    assert.equal(new Set(ids(specs)).size, ids(specs).length);
  });

  it('leave out what is done', () => {
    const specs = trials('grid: { seed: 5 }');
    const finished = new Set(specs.slice(0, 7).map(trialId));
    const units = planUnits(specs, { done: finished, workers: 1 });
    assert.deepEqual(idsOf(units).toSorted(), specs.slice(7).map(trialId).sort());
    assert.deepEqual(planUnits(specs, { done: new Set(specs.map(trialId)), workers: 1 }), []);
  });
});

describe('plans', () => {
  const specs = trials('grid: { dataset: nih, seed: 5, featureDtype: [float32, float16] }');
  const ids = specs.map(trialId);
  const ledger = {
    byTrial: new Map(
      [okRow(ids[0]!), okRow(ids[1]!), failedRow(ids[2]!, 1), okRow('of another grid')].map((row) => [
        row.trial,
        row,
      ]),
    ),
  };

  it('count what is done, failed and left', () => {
    const plan = planSweep(specs, { ledger, workers: 2, sizes, isCached: () => true });
    assert.deepEqual([plan.trials, plan.done, plan.failed, plan.pending], [20, 2, 1, 17]);
    assert.equal(idsOf(plan.units).length, 17);
    const retried = planSweep(specs, { ledger, workers: 2, sizes, isCached: () => true, retryFailed: true });
    assert.deepEqual([retried.done, retried.failed, retried.pending], [2, 1, 18]);
    assert.ok(idsOf(retried.units).includes(ids[2]!));
  });

  it('list the stores that are needed, and which are there', () => {
    const plan = planSweep(specs, {
      ledger,
      workers: 2,
      sizes,
      isCached: ({ featureDtype }) => featureDtype === 'float16',
    });
    assert.deepEqual(plan.stores, [
      {
        dataset: 'nih',
        source: 'imagenet',
        cut: 'pooled',
        featureDtype: 'float16',
        view: 'identity',
        cached: true,
        images: 1000,
        bytes: 1000 * 512 * 2,
      },
      {
        dataset: 'nih',
        source: 'imagenet',
        cut: 'pooled',
        featureDtype: 'float32',
        view: 'identity',
        cached: false,
        images: 1000,
        bytes: 1000 * 512 * 4,
      },
    ]);
    const all = { byTrial: new Map(ids.map((id) => [id, okRow(id)])) };
    const finished = planSweep(specs, { ledger: all, workers: 2, sizes, isCached: () => false });
    assert.deepEqual([finished.stores, finished.units, finished.estimatedSeconds], [[], [], 0]);
  });

  it('estimate extraction, unless it is cached, and training by all workers', () => {
    const estimate = (cached: boolean, workers: number) =>
      planSweep(specs, { ledger, workers, sizes, isCached: () => cached }).estimatedSeconds;
    const extraction = 1000 * (1 / RATES.decodeImages + (2 * 3e8) / RATES.extractMacs);
    assert.ok(Math.abs(estimate(false, 1) - estimate(true, 1) - extraction) < 1e-9);
    assert.ok(estimate(true, 2) < 0.6 * estimate(true, 1) + 1);
  });
});

describe('100,000 trials', () => {
  it('are expanded, identified and grouped in seconds', (context) => {
    const lr = Array.from({ length: 50 }, (_, index) => (index + 1) / 1000);
    const large = config(
      `grid: { lr: [${lr}], dropout: [0, 0.2, 0.5], policy: [constant, cosine, one-cycle, step], n: [50, 100, 200, 400, all], seed: 9 }\nexclude: [{ policy: constant, dropout: 0.2, seed: [1, 2, 3] }]`,
    );
    const started = performance.now();
    const { units, trials: count } = planSweep(expandTrials(large), {
      ledger: { byTrial: new Map() },
      workers: 8,
      sizes,
      isCached: () => false,
    });
    const seconds = (performance.now() - started) / 1000;
    assert.equal(count, 4 * 50 * (3 * 4 * 9 - 3) * 5);
    assert.equal(new Set(idsOf(units)).size, count);
    context.diagnostic(`${count} trials planned into ${units.length} units in ${seconds.toFixed(2)} s`);
    assert.ok(seconds < 10, `${seconds} s`);
  });
});
