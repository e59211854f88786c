import { groupBy } from '../base/group-by.js';
import { summariseOverSeeds } from '../stats/aggregate.js';
import { type Crossover, findCrossover, type NoCrossover } from '../stats/crossover.js';
import type { CurveSample } from '../stats/learning-curve.js';
import type { CurveFigure, CurvePanel, CurvePoint } from './curves.js';
import type { Experiment, Observation, Panel } from './experiment.js';
import { count } from './format.js';
import { chosenForEachSeed } from './selection.js';

/** Where networks overtake hand-made features. */
export interface SourceCrossover {
  readonly panel: string;
  /** A source of networks, or all of them. */
  readonly networks: string;
  readonly crossover: Crossover | NoCrossover;
}

/** The paper's question: from which N on networks are better than radiomics with logistic regression. */
export interface NetworkOrRadiomics {
  readonly figure: CurveFigure;
  /** Task by task: all networks first, then each source of several. */
  readonly crossovers: readonly SourceCrossover[];
}

/** Lines of the figure, in order. */
const LEVELS = ['networks', 'radiomics'];
export const ALL_NETWORKS = 'all, selected on validation';

/** Undefined where no task has trials of both. */
export function networkOrRadiomics(
  { panels }: Pick<Experiment, 'panels'>,
  id: string,
): NetworkOrRadiomics | undefined {
  const compared = panels.map(compare).filter((one) => one !== undefined);
  if (compared.length === 0) return undefined;
  const title = 'Networks and radiomics against training set size';
  const caption =
    'For each N and seed the trial of all networks, and of all logistic regressions on radiomics, that has the best validation AUROC. ' +
    `${compared.some(({ panel }) => panel.crossing !== undefined) ? 'The dashed line is the N from which on the networks’ mean stays ahead, the band around it the 95 % interval. ' : ''}` +
    `${compared.map(({ panel, crossovers }) => `${panel.title}: ${crossoverText(crossovers[0]!.crossover)}.`).join(' ')}`;
  return {
    figure: {
      id,
      tab: 'Radiomics',
      title,
      caption,
      levels: LEVELS,
      panels: compared.map(({ panel }) => panel),
    },
    crossovers: compared.flatMap(({ crossovers }) => crossovers),
  };
}

function compare(
  panel: Panel,
): { readonly panel: CurvePanel; readonly crossovers: readonly SourceCrossover[] } | undefined {
  const radiomics = panel.observations.filter(({ row }) => row.spec.regression !== undefined);
  const networks = panel.observations.filter(({ row }) => row.spec.regression === undefined);
  if (radiomics.length === 0 || networks.length === 0) return undefined;
  const baseline = samplesOf(panel, radiomics);
  const against = (name: string, observations: readonly Observation[]): SourceCrossover => ({
    panel: panel.title,
    networks: name,
    crossover: findCrossover(samplesOf(panel, observations), baseline),
  });
  const bySource = groupBy(networks, ({ row }) => row.spec.source);
  const all = against(bySource.size === 1 ? networks[0]!.row.spec.source : ALL_NETWORKS, networks);
  const each = bySource.size === 1 ? [] : [...bySource].map(([source, own]) => against(source, own));
  const { title, unit, sizes } = panel;
  const points = [networks, radiomics].flatMap((own, level) => pointsOf(panel, own, level));
  const crossing = crossingOf(all.crossover);
  return {
    panel: { title, unit, sizes, points, ...(crossing === undefined ? {} : { crossing }) },
    crossovers: [all, ...each],
  };
}

/** Test AUROC by size and seed; two names of one size (`700`, `all`) are one sample. */
function samplesOf({ sizes }: Panel, observations: readonly Observation[]): CurveSample[] {
  const counts = [...new Set(sizes.map((size) => size.count))];
  return counts.map((n) => {
    const chosen = chosenForEachSeed(observations.filter(({ size }) => size.count === n));
    return { n, values: chosen.flatMap(({ seed, test }) => (test === null ? [] : [{ seed, value: test }])) };
  });
}

function pointsOf({ sizes }: Panel, observations: readonly Observation[], level: number): CurvePoint[] {
  return sizes.flatMap((size) => {
    const chosen = chosenForEachSeed(observations.filter((one) => one.size === size));
    if (chosen.length === 0) return [];
    return [{ size, level, test: summariseOverSeeds(chosen.map(({ test }) => test)) }];
  });
}

function crossingOf(crossover: Crossover | NoCrossover): CurvePanel['crossing'] {
  if (!crossover.answered || crossover.from.kind !== 'at') return undefined;
  const { from, low, high } = crossover;
  return {
    at: from.n,
    ...(low === null || high === null ? {} : { low: low.n, high: high.n }),
    note: `N ≈ ${count(from.n)}`,
  };
}

/** `networks are ahead from N = 320 on (95 % interval 150 to 800)`. */
export function crossoverText(crossover: Crossover | NoCrossover): string {
  if (!crossover.answered) return `no crossing can be told, for ${crossover.why}`;
  const { from, range } = crossover;
  const interval = intervalText(crossover);
  const also = interval === '' ? '' : ` (95 % interval ${interval})`;
  switch (from.kind) {
    case 'at':
      return `networks are ahead from N = ${count(from.n)} on${also}`;
    case 'below':
      return `networks are ahead at every N from ${count(range.from)} to ${count(range.to)}${also}`;
    case 'above':
      return `networks are not ahead at N = ${count(range.to)}, the largest${also}`;
  }
}

/** `150 to 800`, ends open where the sizes end; empty where one seed gives none. */
export function intervalText({ low, high }: Crossover): string {
  if (low === null || high === null) return '';
  const end = (bound: NonNullable<Crossover['low']>) =>
    `${bound.kind === 'at' ? '' : `${bound.kind} `}${count(bound.n)}`;
  return low.kind !== 'at' && low.kind === high.kind ? end(low) : `${end(low)} to ${end(high)}`;
}
