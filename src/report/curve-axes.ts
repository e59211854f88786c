import type { CurvePanel } from './curves.js';
import { sizeText } from './experiment.js';

/** AUROC of guessing. */
export const CHANCE = 0.5;
/** How far an interval may stretch the axis beyond the outermost mean; two seeds give intervals wider than any axis. */
const REACH = 0.12;

export interface AucAxis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
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

/** The logarithmic axis of training set sizes. */
export interface SizeAxis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
  /** Text of a tick by its value; ticks that are not in it have no room for one. */
  readonly labels: Readonly<Record<string, string>>;
  readonly title: string;
  /** Value that is drawn `pixels` to the right of a size. */
  readonly beside: (count: number, pixels: number) => number;
}

/** Leaves 3 % and `sidePixels` free on both sides. A single size stands in the middle. */
export function sizeAxis(panel: CurvePanel, plotWidth: number, sidePixels: number): SizeAxis {
  const ticks = [...new Set(panel.sizes.map(drawnCount))];
  const [first, last] = [Math.min(...ticks), Math.max(...ticks)];
  const share = 0.03 + sidePixels / plotWidth;
  const margin = ((Math.log(last / first) || 1) * share) / (1 - 2 * share);
  const domain: readonly [number, number] = [first * Math.exp(-margin), last * Math.exp(margin)];
  const perPixel = Math.log(domain[1] / domain[0]) / plotWidth;
  return {
    domain,
    ticks,
    labels: tickLabels(panel, (count) => Math.log(count / domain[0]) / perPixel),
    title: `Training ${panel.unit}, N (log scale)`,
    beside: (count, pixels) => drawnCount({ count }) * Math.exp(pixels * perPixel),
  };
}

/** The smallest distance between two sizes as a share of the whole range; 1 for a single size. */
export function smallestGap({ sizes }: CurvePanel): number {
  const logs = [...new Set(sizes.map(drawnCount))].map(Math.log).toSorted((a, b) => a - b);
  const range = logs.at(-1)! - logs[0]!;
  return Math.min(1, ...logs.slice(1).map((value, index) => (value - logs[index]!) / range));
}

/** A logarithmic axis has no place for 0. */
function drawnCount({ count }: { readonly count: number }): number {
  return Math.max(1, count);
}

/** Labels from the largest size down as far as they have room; `all (700)` is shortened to `all` if need be. */
function tickLabels(panel: CurvePanel, pixels: (count: number) => number): Record<string, string> {
  const labels: Record<string, string> = {};
  const taken: { readonly from: number; readonly to: number }[] = [];
  for (const size of panel.sizes.toReversed()) {
    const centre = pixels(drawnCount(size));
    for (const text of [sizeText(size), size.key]) {
      const half = text.length * 3.4 + 4;
      if (taken.some(({ from, to }) => centre + half > from && centre - half < to)) continue;
      taken.push({ from: centre - half, to: centre + half });
      labels[String(drawnCount(size))] = text;
      break;
    }
  }
  return labels;
}
