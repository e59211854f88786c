import { ThawError } from '../base/errors.js';
import { nearest, suggestion } from '../base/nearest.js';
import type { TrialSpec } from '../train/trial.js';
import { settingOf } from './strategy.js';
import { AXIS_KEYS, type AxisKey } from './trial-schema.js';

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

export interface Condition {
  readonly text: string;
  readonly key: AxisKey;
  /** Key within a policy, optimizer, subset or augmentation. */
  readonly part: string | undefined;
  readonly operator: Operator;
  readonly values: readonly (string | number)[];
}

export type TrialFilter = readonly Condition[];

const NUMBER_KEYS: ReadonlySet<AxisKey> = new Set([
  'lr',
  'dropout',
  'weightDecay',
  'epochs',
  'batch',
  'clipNorm',
  'labelSmoothing',
  'ema',
  'denseDropout',
  'earlyStopping',
  'n',
  'seed',
]);
/** Words among numbers. */
const NUMBER_WORDS: { readonly [Key in AxisKey]?: string } = { n: 'all', lr: 'auto' };
/** What a word alone is compared with, of a setting that has parts; augmentation and views go by their parts alone. */
const MAIN_PART: { readonly [Key in AxisKey]?: string } = {
  policy: 'kind',
  optimizer: 'kind',
  subset: 'unit',
  augment: '',
  testViews: '',
  regression: 'penalty',
};

/**
 * Parses `task=pneumonia n<=200 lr=1e-3,3e-3 policy=one-cycle`: conditions that must all hold, each with one value or
 * (with = and !=) several of which any counts. Policies and optimizers go by their kind, their parts by name
 * (`policy.factor=0.1`); `n=all` is more than any number, `lr=auto` is compared with none. Throws a ThawError CONFIG.
 */
export function parseFilter(text: string): TrialFilter {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(parseCondition);
}

/** The trials that a filter keeps, and what the user should know: values and bounds that no trial has. */
export function filterTrials(
  specs: Iterable<TrialSpec>,
  filter: TrialFilter,
): { readonly specs: TrialSpec[]; readonly warnings: readonly string[] } {
  const kept: TrialSpec[] = [];
  const hits = filter.map(() => new Set<string | number>());
  const present = filter.map(() => new Set<string>());
  for (const spec of specs) {
    let keep = true;
    for (const [index, condition] of filter.entries()) {
      const actual = actualValue(spec, condition);
      present[index]!.add(String(actual));
      const hit = condition.values.filter((value) => compares(actual, condition.operator, value));
      for (const value of hit) hits[index]!.add(value);
      // `!=` must hold for all of its values, the others for any.
      keep &&= condition.operator === '!=' ? hit.length === condition.values.length : hit.length > 0;
    }
    if (keep) kept.push(spec);
  }
  return {
    specs: kept,
    warnings: filter.flatMap((condition, index) =>
      absent(condition, hits[index]!, present[index]!).map(
        (message) => `filter ${condition.text}: ${message}`,
      ),
    ),
  };
}

/** What is wrong with a condition that some of its values (and no bound of a number) fail because no trial has them. */
export function absentValues(specs: Iterable<TrialSpec>, condition: Condition): string[] {
  const hits = new Set<string | number>();
  const present = new Set<string>();
  for (const spec of specs) {
    const actual = actualValue(spec, condition);
    present.add(String(actual));
    for (const value of condition.values) if (compares(actual, condition.operator, value)) hits.add(value);
  }
  return absent(condition, hits, present);
}

const SHOWN_VALUES = 12;

function absent(
  condition: Condition,
  hits: ReadonlySet<string | number>,
  present: ReadonlySet<string>,
): string[] {
  if (condition.operator === '!=') return [];
  return condition.values
    .filter((value) => !hits.has(value))
    .map((value) => {
      const known = [...present].filter((word) => word !== 'undefined');
      const list =
        known.length > SHOWN_VALUES ? `${known.slice(0, SHOWN_VALUES).join(', ')} …` : known.join(', ');
      const guess = nearest(String(value), known);
      const name = `${condition.key}${condition.part === undefined ? '' : `.${condition.part}`}`;
      const hint = guess === undefined ? `; its values are ${list || 'none'}.` : `. Did you mean '${guess}'?`;
      return `no trial has ${name} ${condition.operator} ${value}${hint}`;
    });
}

function parseCondition(text: string): Condition {
  const match = /^([A-Za-z]+)(?:\.([A-Za-z0-9]+))?(!=|<=|>=|=|<|>)(.+)$/.exec(text);
  const refuse = (message: string) => new ThawError('CONFIG', message, { node: `--filter ${text}` });
  if (match === null) throw refuse('expected a condition such as n<=200 or task=a,b.');
  const [, key, part, operator, list] = match as unknown as [
    string,
    string,
    string | undefined,
    Operator,
    string,
  ];
  if (!isAxisKey(key)) {
    throw refuse(
      `expected one of the keys ${AXIS_KEYS.join(', ')}, received '${key}'.${suggestion(key, AXIS_KEYS)}`,
    );
  }
  if (part !== undefined && MAIN_PART[key] === undefined) throw refuse(`${key} has no parts.`);
  const values = list.split(',').map((word) => parseValue(word, key, part));
  if (values.includes('')) throw refuse('expected values separated by single commas.');
  const ordered = operator !== '=' && operator !== '!=';
  if (ordered && values.length > 1) throw refuse(`expected one value after ${operator}.`);
  const numeric = NUMBER_KEYS.has(key) || (part !== undefined && ordered);
  const wrong = numeric
    ? values.find((value) => typeof value !== 'number' && value !== NUMBER_WORDS[key])
    : undefined;
  const also = NUMBER_WORDS[key] === undefined ? '' : ` or \`${NUMBER_WORDS[key]}\``;
  if (wrong !== undefined) throw refuse(`expected a number${also}, received '${wrong}'.`);
  if (ordered && !numeric) throw refuse(`expected = or != for ${key}, which has no order.`);
  return { text, key, part, operator, values };
}

function isAxisKey(key: string): key is AxisKey {
  return (AXIS_KEYS as readonly string[]).includes(key);
}

/** Words stay words, except where numbers are compared. */
function parseValue(word: string, key: AxisKey, part: string | undefined): string | number {
  const number = Number(word);
  const numeric = NUMBER_KEYS.has(key) || part !== undefined;
  return numeric && word.trim() !== '' && Number.isFinite(number) ? number : word;
}

function actualValue(spec: TrialSpec, { key, part }: Condition): unknown {
  const value = settingOf(spec, key);
  if (typeof value !== 'object' || value === null) return part === undefined ? value : undefined;
  const inner = (value as Record<string, unknown>)[part ?? MAIN_PART[key] ?? ''];
  return typeof inner === 'boolean' ? String(inner) : inner;
}

function compares(actual: unknown, operator: Operator, value: string | number): boolean {
  if (operator === '=') return actual === value;
  if (operator === '!=') return actual !== value;
  const [left, right] = [ordinal(actual), ordinal(value)];
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

/** NaN (comparable with nothing) for what has no place on a scale. */
function ordinal(value: unknown): number {
  if (value === 'all') return Number.POSITIVE_INFINITY;
  return typeof value === 'number' ? value : Number.NaN;
}
