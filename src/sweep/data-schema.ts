import { resolve } from 'node:path';
import { z } from 'zod';
import type { HoldOutRule } from '../data/hold-out.js';
import type { SplitRule } from '../data/split.js';
import type { ImageLayout } from '../image/geometry.js';
import type { DataConfig } from './config.js';
import { adapterKeys } from './data-schema-adapters.js';
import { dicomPatients, windowSchema } from './dicom-schema.js';
import { patientsWithinImages, phantomKeys, phantomSource } from './phantom-schema.js';
import { byKind, byShape, expected, flag, mapping, number, text, whole, words } from './schema-words.js';
import { seed } from './trial-schema.js';

const share = number('a part between 0 and 1', (value) => value > 0 && value < 1);
/** Cross-validated trials need no validation images. */
const shareOrNone = number('a part from 0 to below 1', (value) => value >= 0 && value < 1);
const fractions = z
  .tuple([share, shareOrNone, share], expected('three parts [train, validation, test] that sum to 1'))
  .refine((parts) => Math.abs(parts.reduce((sum, part) => sum + part, 0) - 1) < 1e-9, {
    error: ({ input }) =>
      `expected three parts that sum to 1, received [${String(input).replaceAll(',', ', ')}].`,
  });

/** A split that a column of the table or the folders name is `given`, whatever word is used for it. */
const splitSchema = byKind(
  mapping({
    kind: z.literal('random'),
    fractions: fractions.default([0.7, 0.1, 0.2]),
    seed: seed.default(0),
  }),
  mapping({ kind: z.literal('official'), validation: shareOrNone.default(0.125), seed: seed.default(0) }),
  mapping({ kind: z.literal('given'), validation: shareOrNone.exactOptional(), seed: seed.exactOptional() }),
);
const splitOrWord = splitWith('column', 'folder');

/** A split rule for which these are other words for `given`. */
function splitWith(...words: readonly string[]) {
  return z.preprocess((value) => {
    const kind = typeof value === 'string' ? value : (value as { kind?: unknown } | null | undefined)?.kind;
    if (!words.includes(kind as string)) return value;
    return typeof value === 'string' ? 'given' : { ...(value as object), kind: 'given' };
  }, splitSchema) satisfies z.ZodType<SplitRule>;
}

const imageSchema = mapping({
  size: whole('a size from 8 to 4096 pixels', 8, 4096).default(224),
  geometry: words('fill', 'fit', 'crop').default('fill'),
  channels: z.literal([1, 3], expected('1 or 3')).default(1),
  window: windowSchema.exactOptional(),
}).transform(({ window, ...layout }) => ({
  ...layout,
  ...(window === undefined ? {} : { window }),
})) satisfies z.ZodType<ImageLayout>;

const equalWord = words('equal');
const ratio = number('`equal` or a number above 0', (value) => value > 0 && Number.isFinite(value));

/** What every data set has beside what its kind needs. */
const texts = z.array(text, expected('a list of texts')).min(1, expected('at least one text'));

const holdOut = mapping({
  label: text,
  negatives: byShape((value): typeof equalWord | typeof ratio =>
    typeof value === 'number' ? ratio : equalWord,
  ).default('equal'),
  seed: seed.default(0),
  use: words('upstream', 'downstream'),
}) satisfies z.ZodType<HoldOutRule>;

const around = {
  image: imageSchema.prefault({}),
  split: splitOrWord.prefault('random'),
  allowLeakage: flag.default(false),
  imagesOf: texts.default([]),
  duplicates: words('error', 'drop', 'allow').default('error'),
  holdOut: holdOut.optional(),
};

/** Drawn images are no copies of each other, though some look much alike. */
const aroundDrawn = { ...around, duplicates: words('error', 'drop', 'allow').default('allow') };

/** Words of table cells: numbers and the empty text are words too. */
const cellWords = z.array(
  z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string(expected('a word'))),
  expected('a list of words'),
);

const thresholds = z
  .array(z.number(expected('a number')), expected('a list of numbers'))
  .min(1, expected('at least one number'))
  .refine((values) => values.every((value, at) => at === 0 || value > values[at - 1]!), {
    error: 'expected numbers in ascending order.',
  });

/** Labels of a table: one column each (a list), one column with joined names, or one column with a class. */
const labelsSchema = byShape((value) => {
  if (Array.isArray(value)) return texts;
  if (typeof value !== 'object' || value === null)
    return z.never(expected('a list of columns, {column, separator} or {class}'));
  return 'class' in value
    ? mapping({ class: text, names: texts.optional(), bins: thresholds.optional() })
    : mapping({ column: text, separator: text, names: texts.optional(), none: cellWords.optional() });
});

const columnsSchema = mapping({
  image: text,
  patient: text.optional(),
  labels: labelsSchema,
  split: text.optional(),
  age: text.optional(),
  sex: text.optional(),
  view: text.optional(),
  site: text.optional(),
});

const patientExpression = text.refine(
  isExpressionWithGroup,
  expected('a regular expression with a group for the patient'),
);

function isExpressionWithGroup(pattern: string): boolean {
  try {
    return new RegExp(`${pattern}|`, 'u').exec('')!.length > 1;
  } catch {
    return false;
  }
}

/** One entry of `data:`. */
export const dataSchema = byKind(
  mapping({
    kind: z.literal('chestxray14'),
    root: text,
    table: text.optional(),
    images: texts.optional(),
    allowMissing: flag.optional(),
    trainList: text.optional(),
    testList: text.optional(),
    boxes: text.optional(),
    ...around,
  }),
  mapping({ ...adapterKeys.chexpert, ...around }),
  mapping({ ...adapterKeys.mimicCxrJpg, ...around }),
  mapping({ ...adapterKeys.padchest, ...around }),
  mapping({ ...adapterKeys.vindrCxr, ...around }),
  mapping({ ...adapterKeys.rsnaPneumonia, ...around }),
  mapping({ ...adapterKeys.mura, ...around }),
  mapping({
    kind: z.literal('csv'),
    root: text,
    table: text,
    columns: columnsSchema,
    images: mapping({
      folder: text.optional(),
      match: words('path', 'name').optional(),
      extension: text.optional(),
    }).optional(),
    delimiter: text
      .regex(/^[^"\r\n]{1,8}$/, expected('1 to 8 characters without quotes and line breaks'))
      .optional(),
    encoding: words('utf-8', 'utf-16le', 'utf-16be', 'latin1').optional(),
    values: mapping({
      positive: cellWords.optional(),
      negative: cellWords.optional(),
      unknown: cellWords.optional(),
    }).optional(),
    splitNames: z
      .record(z.string(), words('train', 'validation', 'test'), expected('a mapping of words to splits'))
      .optional(),
    allowMissing: flag.optional(),
    exclusive: flag.optional(),
    patients: dicomPatients.optional(),
    ...around,
  }),
  mapping({
    kind: z.literal('folder'),
    root: text,
    splitFolders: flag.optional(),
    within: text.optional(),
    patient: patientExpression.optional(),
    patients: dicomPatients.optional(),
    extensions: texts.optional(),
    ...around,
  }),
  mapping({
    kind: z.literal('medmnist'),
    root: text,
    file: text.optional(),
    labelNames: texts.optional(),
    ...around,
    // Its arrays are the official split, validation included.
    split: splitWith('column', 'folder', 'official').prefault('given'),
  }),
  mapping({ ...phantomKeys.chest, ...aroundDrawn }).refine(...patientsWithinImages),
  mapping({ ...phantomKeys.limb, ...aroundDrawn }).refine(...patientsWithinImages),
  mapping({ ...phantomKeys.textures, ...aroundDrawn }),
);

/** The data set that an entry describes, `root` absolute where it has one. */
export function dataConfig(entry: z.infer<typeof dataSchema>, folder: string): DataConfig {
  const { image, split, allowLeakage, imagesOf, duplicates, holdOut, ...given } = entry;
  const around = { image, split, allowLeakage, imagesOf, duplicates };
  const held = holdOut === undefined ? {} : { holdOut };
  if (given.kind === 'phantom-chest' || given.kind === 'phantom-limb' || given.kind === 'textures') {
    return { source: { ...phantomSource(given), ...held }, ...around };
  }
  const root = resolve(folder, given.root);
  if (given.kind !== 'folder') return { source: { ...given, root, ...held }, ...around };
  const { splitFolders = split.kind === 'given' ? true : undefined, ...source } = given;
  return {
    source: { ...source, root, ...(splitFolders === undefined ? {} : { split: splitFolders }), ...held },
    ...around,
  };
}
