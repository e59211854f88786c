import type { RangeTest, Suggestions } from '../train/lr-finder.js';
import { type ChartSpec, drawChart } from './chart.js';
import { type DrawnFigure, type LegendEntry, lineKey, pointKey } from './figures.js';
import { lineStyle, variable } from './theme.js';

/** A range test with the name of its line. */
export interface RateCurve {
  readonly name: string;
  readonly test: RangeTest;
}

const SIZE = { width: 1000, height: 440 };
const MARGINS = { left: 52, right: 26, top: 26, bottom: 48 };
/** How far above the highest loss before the lowest one a curve is followed, as a part of that fall. */
const HEADROOM = 0.4;

export const RULES: readonly (readonly [rule: keyof Suggestions, name: string, colour: string])[] = [
  ['valley', 'valley', variable('c1')],
  ['steepest', 'steepest descent', variable('c2')],
  ['minimumTenth', 'minimum / 10', variable('c3')],
];

/** `3.2e-4`. */
export function rateText(rate: number): string {
  return rate.toExponential(1);
}

/**
 * Smoothed training loss over the learning rate. A single test has its raw losses and all three suggestions, several have a
 * line each with its valley.
 */
export async function drawRates(curves: readonly RateCurve[]): Promise<DrawnFigure> {
  const single = curves.length === 1;
  const [lowest, highest] = lossRange(curves);
  const x = {
    field: 'rate',
    type: 'quantitative',
    title: 'Learning rate (log scale)',
    scale: { type: 'log', nice: false },
    axis: { grid: false, format: '~e', tickCount: 9 },
  };
  const y = {
    field: 'loss',
    type: 'quantitative',
    title: 'Training loss, running mean',
    scale: { domain: [lowest, highest], nice: false, zero: false },
    axis: {
      grid: true,
      domain: false,
      ticks: false,
      ...{ titleAngle: 0, titleAlign: 'left', titleAnchor: 'end', titleX: -MARGINS.left + 2, titleY: -12 },
    },
  };
  const lines = curves.flatMap(({ test }, level) =>
    test.smoothed.map((loss, step) => ({ rate: test.rates[step], loss, level })),
  );
  const styles = curves.map((_, level) => lineStyle(level));
  const domain = curves.map((_, level) => level);
  const byLevel = (range: readonly unknown[]) => ({
    field: 'level',
    type: 'nominal',
    legend: null,
    scale: { domain, range },
  });
  const { points, notes } = suggestionPoints(curves);
  const layer = [
    ...(single ? [rawLayer(curves[0]!.test, x, y)] : []),
    {
      data: { values: lines },
      mark: { type: 'line', clip: true, strokeWidth: 2 },
      encoding: {
        x,
        y,
        color: byLevel(styles.map(({ colour }) => colour)),
        strokeDash: byLevel(styles.map(({ dash }) => dash)),
      },
    },
    {
      data: { values: points },
      mark: { type: 'point', filled: true, opacity: 1, size: 90, stroke: variable('paper'), aria: true },
      encoding: {
        x,
        y,
        color: { field: 'colour', type: 'nominal', scale: null, legend: null },
        description: { field: 'note', type: 'nominal' },
      },
    },
  ];
  const spec = { data: { values: [] }, layer } as unknown as ChartSpec;
  const title = `Range test of the learning rate${single ? `, ${curves[0]!.name}` : ''}`;
  const chart = await drawChart(spec, { ...SIZE, ...MARGINS }, describe(curves), notes);
  return { id: 'lr-find', title, legend: legendOf(curves), panels: [{ title, chart }] };
}

function rawLayer({ rates, losses }: RangeTest, x: object, y: object): object {
  return {
    data: { values: losses.map((loss, step) => ({ rate: rates[step], loss })) },
    mark: { type: 'circle', clip: true, size: 12, opacity: 0.6, color: variable('axis') },
    encoding: { x, y },
  };
}

/** From the lowest loss up to a little above the highest one on the way down; what a diverging end rises to is cut off. */
function lossRange(curves: readonly RateCurve[]): readonly [number, number] {
  const lowest = Math.min(...curves.flatMap(({ test }) => test.smoothed));
  const before = curves.flatMap(({ test: { smoothed } }) =>
    smoothed.slice(0, smoothed.indexOf(Math.min(...smoothed)) + 1),
  );
  const highest = Math.max(...before);
  const fall = highest - lowest || Math.abs(highest) || 1;
  return [lowest - 0.1 * fall, highest + HEADROOM * fall];
}

function suggestionPoints(curves: readonly RateCurve[]) {
  const points: { rate: number; loss: number; colour: string; note: string }[] = [];
  const notes: string[] = [];
  for (const [level, { name, test }] of curves.entries()) {
    if (test.suggestions === undefined) continue;
    for (const [rule, title, colour] of curves.length === 1 ? RULES : RULES.slice(0, 1)) {
      const rate = test.suggestions[rule];
      points.push({
        rate,
        loss: test.smoothed[nearestStep(test.rates, rate)]!,
        colour: curves.length === 1 ? colour : lineStyle(level).colour,
        note: `note:${notes.length}`,
      });
      notes.push(`${curves.length === 1 ? '' : `${name}, `}${title}: ${rateText(rate)}`);
    }
  }
  return { points, notes };
}

function nearestStep(rates: readonly number[], rate: number): number {
  const distance = (step: number) => Math.abs(Math.log(rates[step]! / rate));
  return rates.reduce((best, _, step) => (distance(step) < distance(best) ? step : best), 0);
}

function legendOf(curves: readonly RateCurve[]): LegendEntry[] {
  const [first] = curves;
  if (curves.length > 1 || first === undefined)
    return curves.map(({ name, test }, level) => ({
      name: `${name}: ${test.suggestions === undefined ? 'none' : rateText(test.suggestions.valley)}`,
      key: lineKey(level),
    }));
  const { suggestions } = first.test;
  if (suggestions === undefined) return [];
  return RULES.map(([rule, name, colour]) => ({
    name: `${name}: ${rateText(suggestions[rule])}`,
    key: pointKey(colour),
  }));
}

function describe(curves: readonly RateCurve[]): string {
  const each = curves.map(({ name, test }) =>
    test.suggestions === undefined
      ? `${name}: the loss never falls`
      : `${name}: valley at ${rateText(test.suggestions.valley)}`,
  );
  return `Training loss over the learning rate in a range test. ${each.join('; ')}.`;
}
