import type { Chart } from './chart.js';
import { FONT } from './chart.js';
import { curveStyle, drawCurves } from './curve-chart.js';
import type { CurveFigure } from './curves.js';
import { escapeText } from './markup.js';
import { LIGHT, lineStyle, variable, withColours } from './theme.js';

export interface LegendEntry {
  readonly name: string;
  /** Small `<svg>` of the line or point. */
  readonly key: string;
}

/** A figure of one or several panels, drawn for the page and for a file of its own. */
export interface DrawnFigure {
  readonly id: string;
  readonly title: string;
  readonly legend: readonly LegendEntry[];
  readonly panels: readonly DrawnPanel[];
}

export interface DrawnPanel {
  readonly title: string;
  readonly chart: Chart;
  /** Drawn for narrow screens, where `chart` would be scaled down to unreadable text. */
  readonly narrow?: Chart;
}

const LARGE = { width: 1000, height: 440 };
const MEDIUM = { width: 540, height: 330 };
const SMALL = { width: 372, height: 280 };

export async function drawCurveFigure(figure: CurveFigure): Promise<DrawnFigure> {
  const style = curveStyle(figure);
  const size = [SMALL, LARGE, MEDIUM][figure.panels.length] ?? SMALL;
  const panels: DrawnPanel[] = [];
  for (const panel of figure.panels) {
    const chart = await drawCurves(figure, panel, style, size);
    const narrow = size === SMALL ? undefined : await drawCurves(figure, panel, style, SMALL);
    panels.push({ title: panel.title, chart, ...(narrow === undefined ? {} : { narrow }) });
  }
  const legend = figure.levels.map((name, level) => ({ name, key: lineKey(level) }));
  return { id: figure.id, title: figure.title, legend, panels };
}

/** Line with point, as in the figure. */
export function lineKey(level: number): string {
  const { colour, dash, shape } = lineStyle(level);
  const stroke = `stroke="${colour}" stroke-width="2"${dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`}`;
  return `<svg viewBox="0 0 28 12" width="28" height="12" aria-hidden="true"><path d="M1 6H27" ${stroke}/><path transform="translate(14 6)" d="${SHAPE_PATHS[shape] ?? ''}" fill="${colour}" stroke="${variable('paper')}"/></svg>`;
}

/** Point alone, for figures without lines. */
export function pointKey(colour: string): string {
  return `<svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="5" fill="${colour}"/></svg>`;
}

/** Shapes about the origin, as large as Vega draws them. */
const SHAPE_PATHS: Readonly<Record<string, string>> = {
  circle: 'M4.3 0A4.3 4.3 0 1 1-4.3 0A4.3 4.3 0 1 1 4.3 0Z',
  square: 'M-4-4H4V4H-4Z',
  'triangle-up': 'M0-4.2L4.6 3.6H-4.6Z',
  diamond: 'M0-5L5 0L0 5L-5 0Z',
  'triangle-down': 'M0 4.2L4.6-3.6H-4.6Z',
  cross: 'M-1.6-4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z',
  'triangle-left': 'M-4.2 0L3.6-4.6V4.6Z',
  'triangle-right': 'M4.2 0L-3.6-4.6V4.6Z',
};

const GAP = 20;
const EDGE = 12;
const LEGEND_LINE = 22;
const TITLE_LINE = 24;

/** The figure as an SVG file for papers and slides: light colours, legend and panel titles drawn. */
export function standAloneSvg(figure: DrawnFigure): string {
  const first = figure.panels[0]!.chart;
  const columns = Math.min(figure.panels.length, 3);
  const width = columns * first.width + (columns - 1) * GAP;
  const legend = layoutLegend(figure.legend, width);
  const titled = figure.panels.length > 1;
  const cell = first.height + (titled ? TITLE_LINE : 0) + GAP;
  const height = legend.height + Math.ceil(figure.panels.length / columns) * cell - GAP;
  const panels = figure.panels.map(({ title, chart }, index) => {
    const x = (index % columns) * (first.width + GAP);
    const y = legend.height + Math.floor(index / columns) * cell;
    const heading = titled ? text(x + 2, y + 14, title, 'font-weight="600"') : '';
    return `${heading}${place(chart.svg, x, y + (titled ? TITLE_LINE : 0), chart.width, chart.height)}`;
  });
  const outer = { width: width + 2 * EDGE, height: height + 2 * EDGE };
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-EDGE} ${-EDGE} ${outer.width} ${outer.height}" width="${outer.width}" height="${outer.height}" font-family="${escapeText(FONT)}" font-size="13">`;
  const paper = `<rect x="${-EDGE}" y="${-EDGE}" width="${outer.width}" height="${outer.height}" fill="${variable('paper')}"/>`;
  const svg = `${open}<title>${escapeText(figure.title)}</title>${paper}${legend.svg}${panels.join('')}</svg>`;
  return `${withColours(svg, LIGHT)}\n`;
}

function layoutLegend(entries: readonly LegendEntry[], width: number): { svg: string; height: number } {
  if (entries.length < 2) return { svg: '', height: 0 };
  let x = 0;
  let y = 0;
  const drawn = entries.map(({ name, key }) => {
    const needed = 36 + name.length * 7 + 18;
    if (x > 0 && x + needed > width) {
      x = 0;
      y += LEGEND_LINE;
    }
    const entry = `${place(key, x, y + 2, 28, 12)}${text(x + 36, y + 12, name)}`;
    x += needed;
    return entry;
  });
  return { svg: drawn.join(''), height: y + LEGEND_LINE + 8 };
}

function place(svg: string, x: number, y: number, width: number, height: number): string {
  const inner = svg.replace(/^<svg[^>]*?(viewBox="[^"]*")[^>]*>/, '<svg $1>');
  return inner.replace('<svg', `<svg x="${x}" y="${y}" width="${width}" height="${height}"`);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" fill="${variable('ink')}" ${attributes}>${escapeText(content)}</text>`;
}
