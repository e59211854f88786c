import { type Chart, type ChartSpec, drawChart } from './chart.js';
import { type AucAxis, niceAxis } from './curve-axes.js';
import { sizeText } from './experiment.js';
import { type DrawnFigure, type DrawnPanel, pointKey } from './figures.js';
import { estimateText, slug } from './format.js';
import type { LabelResult, LabelResults } from './label-results.js';
import { orderedColours, variable } from './theme.js';

const ROW = 25;
const AXIS = 48;
const TOP = 6;
/** Pixels a character takes at most on average; longer names are shortened to the share of the width they may take. */
const CHARACTER = 6.6;
const NAME_SHARE = 0.36;
/** More sizes than this are not told apart as steps of one hue: the extremes and those between at even distance are drawn. */
const MOST_SIZES = 6;

/** Dot plot: one row a label, one dot a training set size, the interval of the largest size as a bar. */
export async function drawLabelFigure(
  results: LabelResults,
  unique: (id: string) => string,
): Promise<DrawnFigure | undefined> {
  const labels = results.labels.filter(({ bySize }) => bySize.some(({ mean }) => mean !== null));
  if (labels.length === 0) return undefined;
  const drawn = spread(results.sizes.length);
  const colours = orderedColours(drawn.length);
  const height = labels.length * ROW + AXIS + TOP;
  const draw = (width: number) => drawDots(results, labels, drawn, colours, { width, height });
  const panel: DrawnPanel = { title: results.title, chart: await draw(1000), narrow: await draw(372) };
  return {
    id: unique(`auc-by-label-${slug(results.title)}`),
    title: `Test AUROC of each label, ${results.title}`,
    legend: drawn.map((size, index) => ({
      name: `N = ${sizeText(results.sizes[size]!)}`,
      key: pointKey(colours[index]!),
    })),
    panels: [panel],
  };
}

/** At most MOST_SIZES indices below `count`, first and last among them. */
function spread(count: number): number[] {
  const shown = Math.min(count, MOST_SIZES);
  if (shown === 1) return [count - 1];
  return Array.from({ length: shown }, (_, index) => Math.round((index * (count - 1)) / (shown - 1)));
}

function drawDots(
  results: LabelResults,
  labels: readonly LabelResult[],
  drawn: readonly number[],
  colours: readonly string[],
  size: { readonly width: number; readonly height: number },
): Promise<Chart> {
  const most = Math.floor((size.width * NAME_SHARE) / CHARACTER);
  const names = labels.map(({ label }) => (label.length > most ? `${label.slice(0, most - 1)}…` : label));
  const left = 14 + Math.max(...names.map((name) => name.length)) * CHARACTER;
  const frame = { ...size, left, right: 20, top: TOP, bottom: AXIS };
  const notes: string[] = [];
  const dots = labels.flatMap(({ label, bySize }, row) =>
    drawn.flatMap((index, step) => {
      const test = bySize[index]!;
      if (test.mean === null) return [];
      notes.push(`${label}, N = ${sizeText(results.sizes[index]!)}: ${estimateText(test)}`);
      return [{ row, step, mean: test.mean, note: `note:${notes.length - 1}` }];
    }),
  );
  const bars = labels.flatMap(({ bySize }, row) => {
    const { low, high } = bySize.at(-1)!;
    return low === null || high === null ? [] : [{ row, low: Math.max(0, low), high: Math.min(1, high) }];
  });
  const values = [0.5, ...dots.map(({ mean }) => mean), ...bars.flatMap(({ low, high }) => [low, high])];
  const axis = niceAxis(Math.min(...values) - 0.005, Math.max(...values) + 0.005);
  const spec = dotSpec(names, dots, bars, axis, colours);
  const first = labels[0]!;
  const title = `Test AUROC of each label of ${results.title}; highest at the largest N: ${first.label}, ${estimateText(first.bySize.at(-1)!)}.`;
  return drawChart(spec, frame, title, notes);
}

function dotSpec(
  names: readonly string[],
  dots: readonly object[],
  bars: readonly object[],
  axis: AucAxis,
  colours: readonly string[],
): ChartSpec {
  const y = {
    field: 'row',
    type: 'ordinal' as const,
    title: null,
    scale: { domain: names.map((_, row) => row) },
    axis: {
      domain: false,
      ticks: false,
      grid: true,
      labelColor: variable('ink'),
      labelLimit: 0,
      labelOverlap: false,
      labelExpr: `${JSON.stringify(names)}[datum.value]`,
    },
  };
  const x = {
    type: 'quantitative' as const,
    title: 'Test AUROC',
    scale: { domain: [...axis.domain], zero: false, nice: false },
    axis: { values: [...axis.ticks], format: '.2f', grid: false },
  };
  const steps = colours.map((_, step) => step);
  return {
    data: { values: [...dots] },
    layer: [
      {
        data: { values: [{ chance: 0.5 }] },
        mark: { type: 'rule', strokeDash: [3, 3], strokeWidth: 1, color: variable('axis') },
        encoding: { x: { ...x, field: 'chance' } },
      },
      {
        data: { values: [...bars] },
        mark: { type: 'rule', strokeWidth: 5, opacity: 0.22, strokeCap: 'round', color: colours.at(-1)! },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
      {
        mark: { type: 'circle', opacity: 1, size: 80, stroke: variable('paper'), strokeWidth: 1, aria: true },
        encoding: {
          y,
          x: { ...x, field: 'mean' },
          fill: {
            field: 'step',
            type: 'nominal',
            legend: null,
            scale: { domain: steps, range: [...colours] },
          },
          description: { field: 'note' },
        },
      },
    ],
  } as ChartSpec;
}
