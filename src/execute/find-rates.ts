import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { canonicalJson } from '../base/hash.js';
import type { SweepConfig } from '../sweep/config.js';
import { expandTrials, resolveCut } from '../sweep/expand.js';
import { filterTrials, type TrialFilter } from '../sweep/filter.js';
import { REGRESSION, readsFeatures } from '../sweep/strategy.js';
import { testHeadRates } from '../train/head-rates.js';
import { FEWEST_STEPS, type RangeSettings, type RangeTest } from '../train/lr-finder.js';
import { testNetworkRates } from '../train/network-rates.js';
import { isNetworkTrial, openNetwork } from '../train/network-setup.js';
import type { TrialSpec } from '../train/trial.js';
import { prepareTrials } from '../train/trial-rows.js';
import { foldsOf } from '../train/validation.js';
import { lastStageCuts, networkOf, type OpenedDataset, openDatasets, openSources, splitOf } from './open.js';
import { checkPixels } from './quality.js';
import { type MadeStores, makeStores, type StoreOptions, storeKey, storesOf } from './stores.js';

/** More curves in one picture are not told apart. */
export const MOST_TESTS = 8;

export interface FindRatesOptions extends Omit<StoreOptions, 'threads' | 'onImages'> {
  readonly filter: TrialFilter;
  readonly range: RangeSettings;
}

/** The range test of a trial (its first fold's), or of all trials that differ only in what it does not depend on. */
export interface TestedTrial {
  readonly spec: TrialSpec;
  readonly trainImages: number;
  readonly test: RangeTest;
}

/**
 * Range tests of a config's trials, of all that the filter keeps the different ones; images and features are made or taken
 * from the cache, nothing is recorded. Throws CONFIG for a range that is none and for more than `MOST_TESTS` tests, and as a
 * sweep does.
 */
export async function findRates(config: SweepConfig, options: FindRatesOptions): Promise<TestedTrial[]> {
  checkRange(options.range);
  const chosen = differentTests(config, options);
  const needed = {
    datasets: new Set(chosen.map(({ dataset }) => dataset)),
    sources: new Set(chosen.map(({ source }) => source)),
  };
  const sources = await openSources(config, needed);
  const datasets = await openDatasets(config, needed);
  const cuts = lastStageCuts(datasets, sources);
  const specs = chosen.map((spec) => resolveCut(spec, cuts));
  const checked = new Map<string, OpenedDataset>(datasets);
  const stores = await makeStores(datasets, sources, storesOf(specs), {
    ...options,
    threads: availableParallelism(),
    onImages: async (name, images) => {
      checked.set(name, await checkPixels(datasets.get(name)!, images, options));
    },
  });
  const tested: TestedTrial[] = [];
  const bar = options.progress.start('range tests', specs.length, 'tests');
  try {
    for (const spec of specs) {
      const model = networkOf(sources.get(spec.source)!, spec.source);
      tested.push(await testTrial(spec, checked.get(spec.dataset)!, model, stores, options));
      bar.advance(1);
    }
  } finally {
    bar.finish();
  }
  return tested;
}

function checkRange({ from, to, steps }: RangeSettings): void {
  if (!(from > 0 && to > from && Number.isFinite(to)))
    throw new ThawError('CONFIG', `expected rates 0 < from < to, received ${from} and ${to}.`, {
      node: '--from, --to',
    });
  if (!(Number.isInteger(steps) && steps >= FEWEST_STEPS && steps <= 100_000))
    throw new ThawError(
      'CONFIG',
      `expected a whole number from ${FEWEST_STEPS} to 100000, received ${steps}.`,
      {
        node: '--steps',
      },
    );
}

/** One trial for each range test that trials of the config have; settings that have no say in it are those of the first. */
function differentTests(
  config: SweepConfig,
  { filter, progress }: Pick<FindRatesOptions, 'filter' | 'progress'>,
): readonly TrialSpec[] {
  const { specs, warnings } = filterTrials(expandTrials(config), filter);
  for (const warning of warnings) progress.note(warning);
  const tests = new Map<string, TrialSpec>();
  for (const spec of specs) {
    if (spec.strategy === REGRESSION) continue;
    // Policy, selection, averages and views come after the learning rate; folds leave less to train on.
    const { policy: _, testViews, earlyStopping, ema, ...rest } = spec;
    const validation = foldsOf(spec.validation) === undefined ? 'full' : spec.validation;
    const own = { ...rest, lr: 'auto', select: 'loss', validation } as const;
    const key = canonicalJson(
      own.network === undefined ? own : { ...own, network: { ...own.network, atUnfreeze: 'continue' } },
    );
    if (!tests.has(key)) tests.set(key, { ...rest, policy: spec.policy });
  }
  if (tests.size === 0)
    throw new ThawError('CONFIG', 'no trial with a learning rate is left to test.', {
      node: '--filter',
      hint: 'Leave a condition out; radiomics sources have no learning rate.',
    });
  if (tests.size > MOST_TESTS)
    throw new ThawError(
      'CONFIG',
      `expected at most ${MOST_TESTS} range tests, received ${tests.size} that differ in more than the policy.`,
      { node: '--filter', hint: "Name fewer trials: --filter 'strategy=full n=200 seed=0'." },
    );
  return [...tests.values()];
}

async function testTrial(
  spec: TrialSpec,
  opened: OpenedDataset,
  model: Parameters<typeof openNetwork>[0]['model'],
  stores: MadeStores,
  { range, signal }: FindRatesOptions,
): Promise<TestedTrial> {
  const images = stores.images.get(spec.dataset)!;
  const inputs = {
    dataset: opened.dataset,
    task: opened.tasks.get(spec.task)!,
    split: splitOf(opened, images),
    images,
    threads: availableParallelism(),
  };
  const {
    ready: [trial],
    failed: [failed],
  } = prepareTrials(inputs, [spec]);
  if (trial === undefined) throw new ThawError('DATA', failed!.error.message, { node: spec.task });
  const trainImages = trial.subset.images;
  const key = storeKey(spec);
  const fault = stores.broken.get(key);
  if (fault !== undefined) throw fault;
  const features = readsFeatures(spec.strategy) ? stores.features.get(key)! : undefined;
  if (!isNetworkTrial(spec)) {
    const [test] = await testHeadRates({ ...inputs, features: features! }, [trial], range, { signal });
    return { spec, trainImages, test: test! };
  }
  const own = { ...inputs, model, ...(features === undefined ? {} : { features }) };
  await using network = openNetwork(own, spec, trial);
  return {
    spec,
    trainImages,
    test: await testNetworkRates(network, inputs, spec, trial, range, { signal }),
  };
}
