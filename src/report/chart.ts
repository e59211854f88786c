import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { escapeText } from './markup.js';
import { variable } from './theme.js';

/** A drawn chart: an `<svg>` without width and height (its viewBox has them), in the colour names of the theme. */
export interface Chart {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

export const FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';

/** The look that all charts share: horizontal rules only, quiet axes, nothing bold. */
const CONFIG: TopLevelSpec['config'] = {
  background: 'transparent',
  font: FONT,
  aria: false,
  view: { stroke: null },
  axis: {
    domainColor: variable('axis'),
    gridColor: variable('rule'),
    labelColor: variable('muted'),
    tickColor: variable('axis'),
    titleColor: variable('ink'),
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelPadding: 6,
    titlePadding: 10,
    tickSize: 4,
  },
};

export type ChartSpec = Omit<
  Extract<TopLevelSpec, { layer: unknown }>,
  'config' | 'autosize' | 'padding' | 'width' | 'height'
>;

/** Pixels of a whole chart, and of the margins in it that hold axes and titles. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Pixels between the margins. */
export function plotSize({ width, height, left, right, top, bottom }: Frame): {
  width: number;
  height: number;
} {
  return { width: width - left - right, height: height - top - bottom };
}

/**
 * Draws a chart that fills its frame whatever fonts there are. A mark whose `description` is `note:<i>` gets `notes[i]` as
 * its tooltip; `titleText` is what a screen reader says for the whole.
 */
export async function drawChart(
  spec: ChartSpec,
  frame: Frame,
  titleText: string,
  notes: readonly string[] = [],
): Promise<Chart> {
  const { left, right, top, bottom, ...size } = frame;
  const compiled = compile({
    ...spec,
    ...plotSize(frame),
    padding: { left, right, top, bottom },
    autosize: 'none',
    config: CONFIG,
  } as TopLevelSpec);
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none' });
  try {
    return { ...size, svg: tidy(await view.toSVG(), size, titleText, notes) };
  } finally {
    view.finalize();
  }
}

/** Short numbers, no empty elements, no classes; the font is that of the page; tooltips and the title put in. */
function tidy(
  svg: string,
  { width, height }: { readonly width: number; readonly height: number },
  titleText: string,
  notes: readonly string[],
): string {
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<[^>]*>/g, tidyTag)
    .replace(/<g><\/g>/g, '')
    .replace(
      /<(path|line)([^>]*?) aria-label="note:(\d+)"([^>]*?)\/>/g,
      (_, element, before, index, after) => {
        const note = `<title>${escapeText(notes[Number(index)] ?? '')}</title>`;
        return `<${element}${before}${after}>${note}</${element}>`;
      },
    );
  const title = `<title>${escapeText(titleText)}</title>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">${title}${body}`;
}

function tidyTag(tag: string): string {
  if (/^<path class="(?:background|foreground)"/.test(tag)) return '';
  return tag
    .replace(/ (?:class|aria-[a-z]+|role|pointer-events|stroke-miterlimit|font-family)="(?!note:)[^"]*"/g, '')
    .replace(/ opacity="1"/g, '')
    .replace(/-?\d+\.\d{3,}/g, (digits) => String(Number(Number(digits).toFixed(1))));
}
