import { z } from 'zod';
import { ThawError } from '../base/errors.js';
import { parseFilter } from './filter.js';
import { byKind, expected, mapping, named, number, oneOrMore, text, whole, words } from './schema-words.js';
import { AXIS_KEYS, type AxisKey } from './trial-schema.js';

/** Conditions that choose trials, as `--filter` has them; parsed where they are used. */
const filterText = text.superRefine((value, context) => {
  try {
    parseFilter(value);
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    context.addIssue({ code: 'custom', message: error.summary });
  }
});

const auc = number('an AUROC from 0 to 1', (value) => value >= 0 && value <= 1);
const size = whole('a training set size of at least 1', 1);
const axis = z.custom<AxisKey>(
  (value) => (AXIS_KEYS as readonly unknown[]).includes(value),
  expected(`one of the axes ${AXIS_KEYS.join(', ')}`),
);

/** What every claim has. */
const shared = {
  /** The statement in words, for the report. */
  says: text.optional(),
  /** Conditions that all sides have in common. */
  where: filterText.optional(),
  /**
   * What stands for a side at one N and seed where several of its trials are left: the one that validation prefers, or the mean
   * of all.
   */
  choose: words('validation', 'mean').default('validation'),
};
/** Of claims about differences. */
const difference = {
  expect: words('higher', 'lower', 'equal', 'not-lower').default('higher'),
  margin: auc.default(0),
  /** Whether the mean over all N must be as expected, or each N by itself. */
  at: words('overall', 'each').default('overall'),
  /** Axes besides N and seed whose equal values make a pair. */
  pair: oneOrMore(axis).default([]),
};

type Difference = { readonly expect: string; readonly margin: number };

/** `equal` and `not-lower` up to what? */
function needsMargin({ expect, margin }: Difference, context: z.core.$RefinementCtx): void {
  if (margin > 0 || expect === 'higher' || expect === 'lower') return;
  const message = `expected a margin above 0, within which \`${expect}\` holds, received ${margin}.`;
  context.addIssue({ code: 'custom', message, path: ['margin'] });
}

const term = mapping({
  weight: number('a number other than 0', (value) => value !== 0 && Number.isFinite(value)),
  side: filterText,
});

const claim = byKind(
  mapping({
    kind: z.literal('comparison'),
    ...shared,
    side: filterText,
    /** One or more other sides; what is expected must hold against each. */
    against: oneOrMore(filterText),
    ...difference,
  }).superRefine(needsMargin),
  mapping({
    kind: z.literal('contrast'),
    ...shared,
    terms: z.array(term, expected('a list of {weight, side}')).min(2, expected('at least two terms')),
    ...difference,
  }).superRefine(needsMargin),
  mapping({
    kind: z.literal('crossover'),
    ...shared,
    side: filterText,
    against: oneOrMore(filterText),
    /** Sizes between which `side` overtakes `against` for good. */
    between: z.tuple([size, size], expected('two sizes, [from, to]')),
  }).superRefine(({ between: [from, to] }, context) => {
    if (from < to) return;
    const message = `expected the smaller size first, received [${from}, ${to}].`;
    context.addIssue({ code: 'custom', message, path: ['between'] });
  }),
  mapping({
    kind: z.literal('threshold'),
    ...shared,
    /** One or more sides, each of which must be as expected. */
    side: oneOrMore(filterText),
    expect: words('higher', 'lower').default('higher'),
    than: auc,
    at: difference.at,
  }),
  mapping({
    kind: z.literal('plateau'),
    ...shared,
    side: filterText,
    /** AUROC from the plateau, and the size from which on the curve is no further from it. */
    within: number('an AUROC above 0 and below 1', (value) => value > 0 && value < 1).default(0.01),
    by: size,
  }),
);

/** `claims:` statements by name, each bound to the test that decides it. */
export const claimsSchema = named('claims', claim);

/** A statement and the test that decides it. */
export type Claim = z.output<typeof claim>;
export type ClaimKind = Claim['kind'];
