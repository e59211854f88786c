import { ThawError } from '../base/errors.js';
import type { Discretisation } from '../radiomics/options.js';
import { FILTER_KINDS } from '../radiomics/resolve.js';

/** Flags that stand for settings; undefined where they are not given. */
export interface RadiomicsFlags {
  readonly features: readonly string[] | undefined;
  readonly mask: string | undefined;
  readonly label: readonly string[] | undefined;
  readonly anyPosition: boolean | undefined;
  readonly fieldBox: string | undefined;
  readonly slice: string | undefined;
  readonly bins: string | undefined;
  readonly binWidth: number | undefined;
  readonly filteredBins: string | undefined;
  readonly filteredBinWidth: number | undefined;
  readonly range: readonly number[] | undefined;
  readonly resegment: readonly number[] | undefined;
  readonly aggregation: readonly string[] | undefined;
  readonly distance: readonly string[] | undefined;
  readonly filter: readonly string[] | undefined;
  readonly spacing: number | undefined;
  readonly pixelSize: string | undefined;
  readonly nonFinite: string | undefined;
  readonly depth: string | undefined;
  readonly window: string | undefined;
}

/** Settings whose flag has another name than they. */
const FLAGS: Readonly<Record<string, string>> = {
  glcmDistances: '--distance',
  filters: '--filter',
  discretisation: '--bins',
  'discretisation.width': '--bin-width',
  filteredDiscretisation: '--filtered-bins',
  'filteredDiscretisation.width': '--filtered-bin-width',
  families: '--features',
};

/** The flag of a setting, by the path of what is wrong in it. */
export function flagOf(path: readonly string[]): string {
  const [key = '', inner = ''] = path;
  const named = FLAGS[`${key}.${inner}`] ?? FLAGS[key];
  return named ?? `--${key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/** Flags as a params file would have them, not yet checked. The two discretisations are those that flags change. */
export function settingsOfFlags(
  flags: RadiomicsFlags,
  discretisation: Discretisation | undefined,
  filtered: Discretisation | undefined,
): Record<string, unknown> {
  const settings = {
    features: flags.features?.flatMap(listed),
    mask: flags.mask,
    label: labelOf(flags.label?.flatMap(listed)),
    anyPosition: flags.anyPosition,
    fieldBox: flags.fieldBox,
    slice: flags.slice === undefined ? undefined : numberOrText(flags.slice),
    discretisation: binning('--bins', flags.bins, flags.binWidth, discretisation),
    filteredDiscretisation: binning('--filtered-bins', flags.filteredBins, flags.filteredBinWidth, filtered),
    range: flags.range,
    resegment: flags.resegment,
    aggregation: flags.aggregation?.flatMap(listed),
    glcmDistances: flags.distance?.flatMap(listed).map(numberOrText),
    filters: flags.filter?.map(filterOf),
    spacing: flags.spacing,
    pixelSize: flags.pixelSize === undefined ? undefined : sizeOf(flags.pixelSize),
    nonFinite: flags.nonFinite,
    depth: flags.depth,
    window: flags.window === undefined ? undefined : windowOf(flags.window),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function listed(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

function labelOf(labels: readonly string[] | undefined): unknown {
  if (labels === undefined) return undefined;
  const [only] = labels;
  return labels.length === 1 && (only === 'any' || only === 'all') ? only : labels.map(numberOrText);
}

/** Number or width of bins in place of the file's; a range there stays. */
function binning(
  flag: string,
  bins: string | undefined,
  width: number | undefined,
  written: Discretisation | undefined,
): unknown {
  if (bins !== undefined && width !== undefined)
    throw new ThawError('CONFIG', 'either the number or the width of bins is fixed, not both.', {
      node: flag,
    });
  const range = written?.range === undefined ? {} : { range: written.range };
  if (width !== undefined) return { binning: 'width', width, ...range };
  if (bins === undefined) return undefined;
  return bins === 'none'
    ? { binning: 'none', ...range }
    : { binning: 'count', count: numberOrText(bins), ...range };
}

/** `original`, `log:1,2,3`, `wavelet:coif1` or `wavelet:coif1:2`, `lbp:8:1:uniform` … */
function filterOf(text: string): unknown {
  const [kind = '', ...given] = text.split(':').map((part) => part.trim());
  const keys: Readonly<Record<string, readonly string[]>> = {
    log: ['sigma'],
    wavelet: ['wavelet', 'levels'],
    lbp: ['points', 'radius', 'method'],
  };
  const known = keys[kind] ?? [];
  // An unknown kind is the schema's to refuse.
  if (given.length > known.length && FILTER_KINDS.some((word) => word === kind)) {
    const form = known.length === 0 ? kind : `${kind}:${known.join(':')}`;
    throw new ThawError('CONFIG', `expected ${form}, received '${text}'.`, { node: '--filter' });
  }
  const settings = given
    .slice(0, known.length)
    .map((part, index) => [
      known[index],
      known[index] === 'sigma' ? listed(part).map(numberOrText) : numberOrText(part),
    ]);
  return { kind, ...Object.fromEntries(settings) };
}

function sizeOf(text: string): unknown {
  const sides = listed(text).map(numberOrText);
  return sides.length === 1 ? sides[0] : sides;
}

/** `first`, `percentile`, `CENTER,WIDTH`, or the name of a window of the file. */
function windowOf(text: string): unknown {
  if (text === 'first' || text === 'percentile') return text;
  const numbers = listed(text).map(Number);
  if (numbers.length === 2 && !numbers.some(Number.isNaN)) return { center: numbers[0], width: numbers[1] };
  return { name: text };
}
