import type { SeedSummary } from '../stats/aggregate.js';
import { type Chart, type ChartSpec, drawChart, plotSize } from './chart.js';
import type { CurveFigure, CurvePanel } from './curves.js';
import { sizeText } from './experiment.js';
import { counted, estimateText } from './format.js';
import { lineStyle, variable } from './theme.js';

/** Intervals are bands while there are few lines that keep apart; else bands would hide each other and bars are drawn. */
const MOST_BANDS = 3;
const MOST_HIDDEN = 0.3;
/** Pixels between the bars of neighbouring lines at one N. */
const DODGE = 5;
/** How far an interval may stretch the axis beyond the outermost mean; two seeds give intervals wider than any axis. */
const REACH = 0.12;
const CHANCE = 0.5;
const MARGINS = { left: 44, right: 26, top: 26, bottom: 48 };

export interface AucAxis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
}

/** What all panels of a figure share. */
export interface CurveStyle {
  readonly axis: AucAxis;
  readonly banded: boolean;
}

export function curveStyle(figure: CurveFigure): CurveStyle {
  return { axis: aucAxis(figure.panels), banded: figure.levels.length <= MOST_BANDS && keepsApart(figure) };
}

/** Whether most means lie outside the other lines' intervals. */
function keepsApart({ panels }: CurveFigure): boolean {
  if (panels.some(({ sizes }) => sizes.length < 2)) return false;
  const hidden = panels.flatMap(({ points }) =>
    points.map((a) =>
      points.some((b) => a.level !== b.level && a.size.count === b.size.count && within(a.test, b.test)),
    ),
  );
  return hidden.filter(Boolean).length <= hidden.length * MOST_HIDDEN;
}

function within({ mean }: SeedSummary, { low, high }: SeedSummary): boolean {
  return mean !== null && low !== null && high !== null && low < mean && mean < high;
}

/** One AUROC axis for all panels of a figure, so that they can be compared; chance is always on it. */
export function aucAxis(panels: readonly CurvePanel[]): AucAxis {
  const tests = panels.flatMap(({ points }) => points.map(({ test }) => test));
  const means = tests.flatMap(({ mean }) => (mean === null ? [] : [mean]));
  const bottom = Math.min(CHANCE, ...means);
  const top = Math.max(CHANCE + 0.05, ...means);
  const lows = tests.flatMap(({ low }) => (low === null ? [] : [Math.max(low, bottom - REACH)]));
  const highs = tests.flatMap(({ high }) => (high === null ? [] : [Math.min(high, top + REACH)]));
  return niceAxis(Math.max(0, Math.min(bottom - 0.01, ...lows)), Math.min(1, Math.max(top + 0.01, ...highs)));
}

/** An axis of whole 0.05 around [low, high] with at most eight ticks, counted in hundredths to keep them exact. */
export function niceAxis(low: number, high: number): AucAxis {
  const first = Math.max(0, Math.floor(low * 20 + 1e-9) * 5);
  const last = Math.min(100, Math.ceil(high * 20 - 1e-9) * 5);
  const step = last - first <= 25 ? 5 : 10;
  const lowest = Math.ceil(first / step) * step;
  const ticks = Array.from(
    { length: Math.floor((last - lowest) / step) + 1 },
    (_, index) => (lowest + index * step) / 100,
  );
  return { domain: [first / 100, last / 100], ticks };
}

/** Draws one panel. `description` is its text alternative. */
export function drawCurves(
  figure: CurveFigure,
  panel: CurvePanel,
  { axis, banded }: CurveStyle,
  size: { readonly width: number; readonly height: number },
): Promise<Chart> {
  const counts = [...new Set(panel.sizes.map(({ count }) => Math.max(1, count)))];
  const span: readonly [number, number] = [Math.min(...counts), Math.max(...counts)];
  const frame = { ...size, ...MARGINS };
  const plotWidth = plotSize(frame).width;
  const margin = 0.03 + (banded ? 0 : (figure.levels.length * DODGE) / 2 / plotWidth);
  const logs = Math.log(span[1] / span[0]) || 1;
  const domain = [span[0] * Math.exp(-margin * logs), span[1] * Math.exp(margin * logs)];
  const place = (count: number, level: number): number => {
    const pixels = banded ? 0 : (level - (figure.levels.length - 1) / 2) * DODGE;
    return Math.max(1, count) * Math.exp(((pixels / plotWidth) * logs) / (1 - 2 * margin));
  };
  const shown = panel.points.filter(({ test }) => test.mean !== null);
  const notes = shown.map(
    ({ size: at, level, test }) =>
      `${figure.levels[level]}, N = ${sizeText(at)}: ${estimateText(test)} (${counted(test.n, 'seed')})`,
  );
  const values = shown.map(({ size: at, level, test }, index) => ({
    x: place(at.count, level),
    mean: test.mean,
    low: test.low === null ? null : Math.max(axis.domain[0], test.low),
    high: test.high === null ? null : Math.min(axis.domain[1], test.high),
    level,
    area: lineStyle(level).area,
    note: `note:${index}`,
  }));
  const spec = curveSpec(
    figure.levels.length,
    banded,
    values,
    axis,
    domain,
    xTicks(panel, domain, plotWidth),
  );
  return drawChart(spec, frame, describe(figure, panel), notes);
}

interface XAxis {
  readonly values: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
  readonly title: string;
}

function curveSpec(
  lines: number,
  banded: boolean,
  values: readonly object[],
  axis: AucAxis,
  domain: readonly number[],
  x: XAxis,
): ChartSpec {
  const styles = Array.from({ length: lines }, (_, level) => lineStyle(level));
  const levels = styles.map((_, level) => level);
  const colour = {
    field: 'level',
    type: 'nominal' as const,
    legend: null,
    scale: { domain: levels, range: styles.map((style) => style.colour) },
  };
  const xEncoding = {
    field: 'x',
    type: 'quantitative' as const,
    title: x.title,
    scale: { type: 'log' as const, domain: [...domain], nice: false },
    axis: {
      grid: false,
      values: [...x.values],
      labelExpr: `${JSON.stringify(x.labels)}[datum.value] || ''`,
      labelOverlap: false,
    },
  };
  const yEncoding = {
    field: 'mean',
    type: 'quantitative' as const,
    title: 'Test AUROC',
    scale: { domain: [...axis.domain], zero: false, nice: false },
    axis: {
      grid: true,
      values: [...axis.ticks],
      labelOverlap: false,
      format: '.2f',
      domain: false,
      ticks: false,
      titleAngle: 0,
      titleAlign: 'left' as const,
      titleAnchor: 'end' as const,
      titleX: -MARGINS.left + 2,
      titleY: -12,
    },
  };
  const chance = { values: [{ chance: CHANCE }] };
  const interval = { x: xEncoding, y: { ...yEncoding, field: 'low' }, y2: { field: 'high' }, color: colour };
  return {
    data: { values: [...values] },
    layer: [
      {
        data: chance,
        mark: { type: 'rule', strokeDash: [3, 3], strokeWidth: 1, color: variable('axis') },
        encoding: { y: { ...yEncoding, field: 'chance' } },
      },
      {
        data: chance,
        mark: { type: 'text', text: 'chance', align: 'right', dy: 9, fontSize: 11, color: variable('muted') },
        encoding: { y: { ...yEncoding, field: 'chance' }, x: { value: { expr: 'width' } } },
      },
      banded
        ? { mark: { type: 'area', opacity: 0.16 }, encoding: interval }
        : { mark: { type: 'rule', strokeWidth: 1.4, opacity: 0.75 }, encoding: interval },
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x: xEncoding,
          y: yEncoding,
          color: colour,
          strokeDash: {
            field: 'level',
            type: 'nominal',
            legend: null,
            scale: { domain: levels, range: styles.map(({ dash }) => [...dash]) },
          },
        },
      },
      {
        mark: {
          type: 'point',
          filled: true,
          opacity: 1,
          stroke: variable('paper'),
          strokeWidth: 1.2,
          aria: true,
        },
        encoding: {
          x: xEncoding,
          y: yEncoding,
          fill: colour,
          size: { field: 'area', type: 'quantitative', legend: null, scale: null },
          shape: {
            field: 'level',
            type: 'nominal',
            legend: null,
            scale: { domain: levels, range: styles.map(({ shape }) => shape) },
          },
          description: { field: 'note' },
        },
      },
    ],
  } as ChartSpec;
}

/** A tick at every N; labels from the largest down as far as they have room, `all (700)` shortened to `all` if need be. */
function xTicks(panel: CurvePanel, domain: readonly number[], plotWidth: number): XAxis {
  const values = [...new Set(panel.sizes.map(({ count }) => Math.max(1, count)))];
  const pixels = (value: number) =>
    (Math.log(value / domain[0]!) / Math.log(domain[1]! / domain[0]!)) * plotWidth;
  const labels: Record<string, string> = {};
  const taken: { readonly from: number; readonly to: number }[] = [];
  for (const size of [...panel.sizes].reverse()) {
    const centre = pixels(Math.max(1, size.count));
    const text = [sizeText(size), size.key].find((candidate) => {
      const half = candidate.length * 3.4 + 4;
      return taken.every(({ from, to }) => centre + half <= from || centre - half >= to);
    });
    if (text === undefined) continue;
    const half = text.length * 3.4 + 4;
    taken.push({ from: centre - half, to: centre + half });
    labels[String(Math.max(1, size.count))] = text;
  }
  return { values, labels, title: `Training ${panel.unit}, N (log scale)` };
}

function describe(figure: CurveFigure, panel: CurvePanel): string {
  const lines = figure.levels.map((name, level) => {
    const means = panel.points
      .filter((point) => point.level === level)
      .map(({ size, test }) => `N ${sizeText(size)}: ${estimateText(test)}`);
    return `${name}: ${means.length === 0 ? 'no trials' : means.join(', ')}`;
  });
  return `${figure.title}, ${panel.title}. ${lines.join('. ')}.`;
}
