import { groupBy } from '../base/group-by.js';
import { type SeedSummary, summariseOverSeeds } from '../stats/aggregate.js';
import type { Experiment, Observation, Panel, Size } from './experiment.js';
import { type Factor, UNUSED } from './factors.js';
import { inSentence, slug } from './format.js';
import { chosenConfiguration, chosenForEachSeed } from './selection.js';

/** Test AUROC of one line at one training set size. */
export interface CurvePoint {
  readonly size: Size;
  readonly level: number;
  readonly test: SeedSummary;
}

export interface CurvePanel {
  readonly title: string;
  readonly unit: string;
  readonly sizes: readonly Size[];
  readonly points: readonly CurvePoint[];
  /** The N from which on the first line stays above the second, with its interval. */
  readonly crossing?: {
    readonly at: number;
    readonly low?: number;
    readonly high?: number;
    readonly note: string;
  };
}

/** Test AUROC against N: one line a level, one panel a task and data set. */
export interface CurveFigure {
  /** For ids and file names. */
  readonly id: string;
  readonly tab: string;
  readonly title: string;
  readonly caption: string;
  readonly levels: readonly string[];
  readonly panels: readonly CurvePanel[];
}

/** More lines than this in one panel are not told apart; tasks then get a panel each. */
const MOST_TASKS_IN_ONE_PANEL = 6;

/** One figure of the best configuration, then one for every factor that varies. */
export function curveFigures({ factors, panels }: Experiment, unique: (id: string) => string): CurveFigure[] {
  if (panels.length === 0) return [];
  return [
    bestFigure(unique('auc-best'), panels, factors),
    ...factors.map((factor, index) =>
      factorFigure(unique(`auc-by-${slug(factor.title)}`), factor, index, panels, factors.length),
    ),
  ];
}

function bestFigure(id: string, panels: readonly Panel[], factors: readonly Factor[]): CurveFigure {
  const tuned =
    factors.length === 0
      ? 'The sweep has one configuration; nothing was selected.'
      : 'At each N the one configuration with the highest mean validation AUROC over seeds, as in the key results; the test set took no part in the choice.';
  const title = `${factors.length === 0 ? 'Test AUROC' : 'Best configuration'} against training set size`;
  const shared = { id, tab: 'Best', title, caption: `${tuned} ${intervalsText(panels)}` };
  if (panels.length > MOST_TASKS_IN_ONE_PANEL) {
    const single = panels.map((panel) => curvePanel(panel, bestPoints(panel, 0)));
    return { ...shared, levels: ['selected on validation'], panels: single };
  }
  const points = panels.flatMap((panel, level) => bestPoints(panel, level));
  const units = new Set(panels.map(({ unit }) => unit));
  const together: CurvePanel = {
    title: panels.length === 1 ? panels[0]!.title : 'All tasks',
    unit: units.size === 1 ? panels[0]!.unit : 'images or patients',
    sizes: panels.flatMap(({ sizes }) => sizes).toSorted((a, b) => a.count - b.count),
    points,
  };
  return { ...shared, levels: panels.map(({ title }) => title), panels: [together] };
}

function intervalsText(panels: readonly Panel[]): string {
  const seeds = new Set(panels.flatMap(({ observations }) => observations.map(({ seed }) => seed)));
  if (seeds.size === 1) return 'There is one seed, so there are no intervals.';
  return 'Points are means over seeds, with their 95 % intervals (Student’s t).';
}

function bestPoints(panel: Panel, level: number): CurvePoint[] {
  return pointsBySize(
    panel,
    level,
    panel.observations,
    (trials) => chosenConfiguration(trials)?.observations ?? [],
  );
}

function factorFigure(
  id: string,
  factor: Factor,
  index: number,
  panels: readonly Panel[],
  factorCount: number,
): CurveFigure {
  const tuned =
    factorCount === 1
      ? ''
      : ' Every line is tuned: for each N and seed it takes, among the trials with that level, the one with the best validation AUROC, so what else varies was chosen without the test set.';
  return {
    id,
    tab: factor.title,
    title: `Test AUROC by ${inSentence(factor.title)}`,
    caption: `One line for each ${inSentence(factor.title)}.${tuned} ${intervalsText(panels)}`,
    levels: factor.levels.map((level) => (level === UNUSED ? 'does not apply' : level)),
    panels: panels.map((panel) => {
      const byLevel = groupBy(panel.observations, ({ levels }) => levels[index]!);
      const points = [...byLevel].flatMap(([level, trials]) =>
        pointsBySize(panel, level, trials, chosenForEachSeed),
      );
      return curvePanel(panel, points);
    }),
  };
}

function pointsBySize(
  panel: Panel,
  level: number,
  observations: readonly Observation[],
  choose: (trials: readonly Observation[]) => readonly Observation[],
): CurvePoint[] {
  const bySize = groupBy(observations, ({ size }) => size);
  return panel.sizes.flatMap((size) => {
    const trials = bySize.get(size);
    if (trials === undefined) return [];
    return [{ size, level, test: summariseOverSeeds(choose(trials).map(({ test }) => test)) }];
  });
}

function curvePanel(panel: Panel, points: readonly CurvePoint[]): CurvePanel {
  return { title: panel.title, unit: panel.unit, sizes: panel.sizes, points };
}
