import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExperiment } from '../../src/report/experiment.js';
import { drawCurveFigure, standAloneSvg } from '../../src/report/figures.js';
import { crossoverText, networkOrRadiomics } from '../../src/report/network-or-radiomics.js';
import type { OkRow } from '../../src/sweep/ledger.js';
import { regressionDefault } from '../../src/sweep/regression-schema.js';
import { okRow } from './fixture.js';

const SIZES = [50, 100, 200, 400, 800];
/** Inverse power laws, so that two cross where algebra says. */
const law = (a: number, b: number) => (n: number) => a - b / Math.sqrt(n);
/** 0.9 − 2 / √N = 0.8 − (2 − 0.1 √200) / √N at N = 200. */
const networks = law(0.9, 2);
const SLOPE = 2 - 0.1 * Math.sqrt(200);

function rows(of: (n: number) => number, spec: Partial<OkRow['spec']>, seeds = 4): OkRow[] {
  return SIZES.flatMap((n) =>
    Array.from({ length: seeds }, (_, seed) => {
      const auroc = of(n) + 0.004 * (seed - (seeds - 1) / 2);
      return okRow({ ...spec, n, seed }, { validation: auroc, test: auroc });
    }),
  );
}

const radiomics = rows(law(0.8, SLOPE), {
  source: 'radiomics',
  strategy: 'regression',
  regression: regressionDefault,
});
const compared = (own: readonly OkRow[]) =>
  networkOrRadiomics(readExperiment(own), 'auc-networks-and-radiomics');

test('networks overtake radiomics where the two curves cross', () => {
  const { crossovers, figure } = compared([...rows(networks, {}), ...radiomics])!;
  const [one, ...others] = crossovers;
  assert.deepEqual([one!.networks, others], ['imagenet', []]);
  const { crossover } = one!;
  assert.ok(crossover.answered && crossover.from.kind === 'at' && crossover.paired);
  assert.ok(Math.abs(Math.log(crossover.from.n / 200)) < Math.log(1.03), String(crossover.from.n));
  assert.deepEqual(figure.levels, ['networks', 'radiomics']);
  const { crossing, points } = figure.panels[0]!;
  assert.equal(crossing!.at, crossover.from.n);
  assert.equal(points.length, 2 * SIZES.length);
  const radiomicsAt50 = points.find(({ size, level }) => size.count === 50 && level === 1)!;
  assert.ok(Math.abs(radiomicsAt50.test.mean! - law(0.8, SLOPE)(50)) < 1e-12);
  assert.match(figure.caption, /networks are ahead from N = \d+ on \(95 % interval/);
});

test('the crossing is drawn and in the text alternative', async () => {
  const { figure } = compared([...rows(networks, {}), ...radiomics])!;
  const svg = standAloneSvg(await drawCurveFigure(figure));
  assert.match(svg, /Lines cross at N ≈ \d+/);
  assert.match(svg, />N ≈ \d+</);
  const apart = compared([...rows(law(0.9, SLOPE), {}), ...radiomics])!;
  assert.doesNotMatch(standAloneSvg(await drawCurveFigure(apart.figure)), /N ≈/);
  assert.doesNotMatch(apart.figure.caption, /dashed/);
});

test('always ahead, never ahead, and too little to tell are said', () => {
  const text = (own: readonly OkRow[]) => crossoverText(compared(own)!.crossovers[0]!.crossover);
  assert.match(text([...rows(law(0.9, SLOPE), {}), ...radiomics]), /ahead at every N from 50 to 800/);
  assert.match(text([...rows(law(0.7, SLOPE), {}), ...radiomics]), /not ahead at N = 800, the largest/);
  const single = [...rows(law(0.9, 0), {}), ...radiomics].filter(({ spec }) => spec.n === 50);
  assert.match(text(single), /no crossing can be told/);
});

test('several network sources have a row each after that of all; sweeps without both have none', () => {
  const sources = [...rows(networks, {}), ...rows(law(0.7, SLOPE), { source: 'random' })];
  assert.deepEqual(
    compared([...sources, ...radiomics])!.crossovers.map(({ networks }) => networks),
    ['all, selected on validation', 'imagenet', 'random'],
  );
  assert.equal(compared(sources), undefined);
  assert.equal(compared(radiomics), undefined);
});
