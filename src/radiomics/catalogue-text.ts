import { FAMILIES } from './catalogue.js';
import type { Aggregation, Outcome } from './family.js';

const AGGREGATION: Record<Aggregation, string> = {
  once: 'by slice, averaged over slices; of the mask alone, once an image',
  volume: 'all slices together',
  directions: '`_2D_avg` by slice and direction, averaged; `_2D_comb` by slice, directions merged, averaged',
  slices: '`_2D` by slice, averaged',
};

/** The catalogue as Markdown tables, one a family: what docs/radiomics.md shows. */
export function catalogueMarkdown(): string {
  return FAMILIES.map((family) => {
    const code = family.code === null ? '' : `, ${family.code}`;
    const rows = family.features.map(([tag, title, id, unit, oneLevel, onePixel, otherwise]) =>
      [
        `\`${family.key}_${tag}\``,
        title,
        id ?? '–',
        unit,
        outcome(oneLevel),
        outcome(onePixel),
        otherwise ?? '',
      ].join(' | '),
    );
    return [
      `### ${family.title} (${family.source}${code})`,
      '',
      `${AGGREGATION[family.aggregation]}.`,
      '',
      '| tag | feature | IBSI | unit | one grey level | one pixel | also |',
      '|---|---|---|---|---|---|---|',
      ...rows.map((row) => `| ${row} |`),
    ].join('\n');
  }).join('\n\n');
}

function outcome(given: Outcome): string {
  if (given === 'value') return 'its value';
  if (given === 'undefined') return 'undefined';
  return `${given === 1e6 ? '10⁶' : given} by convention`;
}
