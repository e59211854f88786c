import { z } from 'zod';
import type { DicomPatients } from '../data/dicom-patients.js';
import type { WindowRule } from '../image/geometry.js';
import { byKind, byShape, expected, mapping, number, text } from './schema-words.js';

/** Patients from the headers of DICOM files: `dicom`, or `{kind: dicom, salt: …}`. */
export const dicomPatients = byKind(
  mapping({
    kind: z.literal('dicom'),
    salt: text.optional(),
    saltVariable: text.regex(/^[A-Za-z_]\w*$/, expected('the name of an environment variable')).optional(),
  }).refine(({ salt, saltVariable }) => salt === undefined || saltVariable === undefined, {
    path: ['saltVariable'],
    error: 'expected either `salt` or `saltVariable`, received both.',
  }),
) satisfies z.ZodType<DicomPatients>;

const percentile = number('a percentile from 0 to 100', (value) => value >= 0 && value <= 100);
const percentiles = z
  .tuple([percentile, percentile], expected('two percentiles [low, high]'))
  .refine(([low, high]) => low < high, { error: 'expected the lower percentile first.' });
const OUTER = { percentile: [0.5, 99.5] } satisfies WindowRule;

/** What becomes black and white in DICOM images; `first`, the default, is undefined. */
export const windowSchema = byShape((value): z.ZodType<WindowRule | undefined> => {
  if (value === 'first') return z.literal('first').transform(() => undefined);
  if (value === 'percentile') return z.literal('percentile').transform(() => OUTER);
  if (typeof value !== 'object' || value === null) {
    return z.never(expected('first, percentile, {name}, {percentile: [low, high]} or {center, width}'));
  }
  if ('name' in value) return mapping({ name: text });
  if ('percentile' in value) return mapping({ percentile: percentiles });
  return mapping({
    center: number('a number', Number.isFinite),
    width: number('a width of at least 1', (width) => width >= 1),
  });
});
