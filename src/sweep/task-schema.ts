import { z } from 'zod';
import { byKind, mapping, name, oneOrMore, text, words } from './schema-words.js';

const datasets = oneOrMore(name).optional();
const labels = oneOrMore(text);

/** One entry of `tasks:` a rule that makes targets from labels, and the data sets that it is for. */
export const taskSchema = byKind(
  mapping({ kind: z.literal('multilabel'), labels: labels.optional(), datasets }),
  mapping({
    kind: z.literal('binary'),
    positive: labels,
    negatives: text.default('rest'),
    prevalence: words('natural', 'balanced').default('natural'),
    datasets,
  }),
  mapping({ kind: z.literal('multiclass'), classes: labels.optional(), datasets }),
);
