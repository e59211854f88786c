import type { SeedSummary } from '../stats/aggregate.js';
import { type Chart, type ChartSpec, drawChart, plotSize } from './chart.js';
import { type AucAxis, aucAxis, CHANCE, type SizeAxis, sizeAxis, smallestGap } from './curve-axes.js';
import type { CurveFigure, CurvePanel } from './curves.js';
import { sizeText } from './experiment.js';
import { counted, estimateText } from './format.js';
import { lineStyle, variable } from './theme.js';

/** Intervals are bands while there are few lines that keep apart; else bands would hide each other and bars are drawn. */
const MOST_BANDS = 3;
const MOST_HIDDEN = 0.3;
/** Pixels between the bars of neighbouring lines at one N, and how much of the way to the next N all may take. */
const DODGE = 5;
const DODGED_SHARE = 0.6;
const MARGINS = { left: 44, right: 26, top: 26, bottom: 48 };

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

/** Draws one panel; its description is the chart's text alternative. */
export function drawCurves(
  figure: CurveFigure,
  panel: CurvePanel,
  { axis, banded }: CurveStyle,
  size: { readonly width: number; readonly height: number },
): Promise<Chart> {
  const frame = { ...size, ...MARGINS };
  const lines = figure.levels.length;
  const plotWidth = plotSize(frame).width;
  const dodge = banded ? 0 : Math.min(DODGE, (smallestGap(panel) * plotWidth * DODGED_SHARE) / lines);
  const x = sizeAxis(panel, plotWidth, (lines * dodge) / 2);
  const shown = panel.points.filter(({ test }) => test.mean !== null);
  const notes = shown.map(
    ({ size: at, level, test }) =>
      `${figure.levels[level]}, N = ${sizeText(at)}: ${estimateText(test)} (${counted(test.n, 'seed')})`,
  );
  const values = shown.map(({ size: at, level, test }, index) => ({
    x: x.beside(at.count, (level - (lines - 1) / 2) * dodge),
    mean: test.mean,
    low: test.low === null ? null : Math.max(axis.domain[0], test.low),
    high: test.high === null ? null : Math.min(axis.domain[1], test.high),
    level,
    area: lineStyle(level).area,
    note: `note:${index}`,
  }));
  const encoding = { ...lineEncoding(lines), x: xEncoding(x), y: yEncoding(axis) };
  const layer = [
    ...crossingLayers(panel.crossing, encoding.x),
    ...chanceLayers(encoding.y),
    intervalLayer(encoding, banded),
    ...lineLayers(encoding),
  ];
  return drawChart({ data: { values }, layer } as ChartSpec, frame, describe(figure, panel), notes);
}

type Encoding = ReturnType<typeof lineEncoding> & {
  readonly x: ReturnType<typeof xEncoding>;
  readonly y: ReturnType<typeof yEncoding>;
};

function xEncoding({ domain, ticks, labels, title }: SizeAxis) {
  return {
    field: 'x',
    type: 'quantitative',
    title,
    scale: { type: 'log', domain, nice: false },
    axis: {
      grid: false,
      values: ticks,
      labelExpr: `${JSON.stringify(labels)}[datum.value] || ''`,
      labelOverlap: false,
    },
  };
}

/** The title stands above the axis, where it is read without turning the head. */
function yEncoding({ domain, ticks }: AucAxis) {
  return {
    field: 'mean',
    type: 'quantitative',
    title: 'Test AUROC',
    scale: { domain, zero: false, nice: false },
    axis: {
      grid: true,
      values: ticks,
      labelOverlap: false,
      format: '.2f',
      domain: false,
      ticks: false,
      titleAngle: 0,
      titleAlign: 'left',
      titleAnchor: 'end',
      titleX: -MARGINS.left + 2,
      titleY: -12,
    },
  };
}

/** Colour, dash and shape of every line. */
function lineEncoding(lines: number) {
  const styles = Array.from({ length: lines }, (_, level) => lineStyle(level));
  const byLevel = (range: readonly unknown[]) => ({
    field: 'level',
    type: 'nominal',
    legend: null,
    scale: { domain: styles.map((_, level) => level), range },
  });
  return {
    colour: byLevel(styles.map(({ colour }) => colour)),
    dash: byLevel(styles.map(({ dash }) => dash)),
    shape: byLevel(styles.map(({ shape }) => shape)),
  };
}

function chanceLayers(y: Encoding['y']): object[] {
  const data = { values: [{ chance: CHANCE }] };
  const place = { y: { ...y, field: 'chance' } };
  return [
    {
      data,
      mark: { type: 'rule', strokeDash: [3, 3], strokeWidth: 1, color: variable('axis') },
      encoding: place,
    },
    {
      data,
      mark: { type: 'text', text: 'chance', align: 'right', dy: 9, fontSize: 11, color: variable('muted') },
      encoding: { ...place, x: { value: { expr: 'width' } } },
    },
  ];
}

/** A band over the interval, a line at the crossing and its N at the top. */
function crossingLayers(crossing: CurvePanel['crossing'], x: Encoding['x']): object[] {
  if (crossing === undefined) return [];
  const { low, high, note } = crossing;
  const data = { values: [crossing] };
  const at = { x: { ...x, field: 'at' } };
  // Its N stands on the side that has room.
  const [first, last] = x.scale.domain;
  const isRight = crossing.at ** 2 > first * last;
  const band = {
    data,
    mark: { type: 'rect', opacity: 0.1, color: variable('muted') },
    encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } },
  };
  return [
    ...(low === undefined || high === undefined ? [] : [band]),
    { data, mark: { type: 'rule', strokeDash: [5, 3], color: variable('muted') }, encoding: at },
    {
      data,
      mark: {
        type: 'text',
        text: note,
        align: isRight ? 'right' : 'left',
        dx: isRight ? -5 : 5,
        dy: 9,
        fontSize: 11,
        color: variable('muted'),
      },
      encoding: { ...at, y: { value: 0 } },
    },
  ];
}

function intervalLayer({ x, y, colour }: Encoding, banded: boolean): object {
  const mark = banded ? { type: 'area', opacity: 0.16 } : { type: 'rule', strokeWidth: 1.4, opacity: 0.75 };
  return { mark, encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: colour } };
}

function lineLayers({ x, y, colour, dash, shape }: Encoding): object[] {
  const point = {
    type: 'point',
    filled: true,
    opacity: 1,
    stroke: variable('paper'),
    strokeWidth: 1.2,
    aria: true,
  };
  const area = { field: 'area', type: 'quantitative', legend: null, scale: null };
  return [
    { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color: colour, strokeDash: dash } },
    { mark: point, encoding: { x, y, fill: colour, size: area, shape, description: { field: 'note' } } },
  ];
}

function describe(figure: CurveFigure, panel: CurvePanel): string {
  const lines = figure.levels.map((name, level) => {
    const means = panel.points
      .filter((point) => point.level === level)
      .map(({ size, test }) => `N ${sizeText(size)}: ${estimateText(test)}`);
    return `${name}: ${means.length === 0 ? 'no trials' : means.join(', ')}`;
  });
  const { crossing } = panel;
  const crossed = crossing === undefined ? '' : ` Lines cross at ${crossing.note}.`;
  return `${figure.title}, ${panel.title}. ${lines.join('. ')}.${crossed}`;
}
