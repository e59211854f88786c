import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { z } from 'zod';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { WindowRule } from '../image/geometry.js';
import type { PixelSpacing } from '../image/grey/volume.js';
import type { Discretisation } from '../radiomics/options.js';
import type { LabelRule, SliceRule } from '../radiomics/regions.js';
import { type FeatureRequest, type SelectedFeatures, selectFeatures } from '../radiomics/select.js';
import { ConfigText } from '../sweep/config-text.js';
import { windowSchema } from '../sweep/dicom-schema.js';
import { featureSettings, greyRange } from '../sweep/radiomics-schema.js';
import { mistakesOf } from '../sweep/read-config.js';
import {
  byShape,
  expected,
  flag,
  mapping,
  number,
  oneOrMore,
  text,
  whole,
  words,
} from '../sweep/schema-words.js';
import { fromUser, userFolder } from './paths.js';
import { flagOf, type RadiomicsFlags, settingsOfFlags } from './radiomics-flags.js';

const SLICES = ['volume', 'all', 'largest-mask'] as const;
const millimetres = number('a number of millimetres above 0', (value) => value > 0 && Number.isFinite(value));
const label = number('a value of the mask other than 0', (value) => Number.isFinite(value) && value !== 0);

/** A params file: everything that decides what the numbers are. */
export const settingsSchema = mapping({
  features: oneOrMore(text).exactOptional(),
  ...featureSettings,
  range: greyRange.exactOptional(),
  mask: text.exactOptional(),
  label: byShape(
    (value): z.ZodType<LabelRule> => (typeof value === 'string' ? words('any', 'all') : oneOrMore(label)),
  ).exactOptional(),
  anyPosition: flag.exactOptional(),
  fieldBox: words('body', 'lung').exactOptional(),
  slice: byShape(
    (value): z.ZodType<SliceRule> =>
      typeof value === 'number' ? whole('a slice from 0', 0) : words(...SLICES),
  ).exactOptional(),
  depth: words('full', 'levels').exactOptional(),
  window: windowSchema.exactOptional(),
  pixelSize: byShape(
    (value): z.ZodType<PixelSpacing> =>
      Array.isArray(value)
        ? z.tuple([millimetres, millimetres], expected('[x, y] in mm')).transform(([x, y]) => ({ x, y }))
        : millimetres.transform((side) => ({ x: side, y: side })),
  ).exactOptional(),
});
export type RadiomicsSettings = z.output<typeof settingsSchema>;

/** Settings of `paper79`; all others are about IBSI's features. */
const OF_PAPER = ['features', 'range', 'slice', 'depth', 'window', 'pixelSize'];

/** Settings checked against each other. */
export interface ResolvedSettings {
  readonly selection: SelectedFeatures;
  readonly slice: SliceRule;
  readonly labels: LabelRule;
  readonly anyPosition: boolean;
  readonly pixelSize: PixelSpacing | undefined;
  readonly depth: 'full' | 'levels';
  readonly window: WindowRule | undefined;
  /** File, folder or template, and the folder that it is relative to. */
  readonly mask: { readonly spec: string; readonly folder: string } | undefined;
  /** The settings as they were given, all together. */
  readonly given: RadiomicsSettings;
  readonly paramsFile: string | undefined;
}

/**
 * Settings of a params file with its `--set` changes, and over them those of the flags. `masked`: the images bring masks of their
 * own. Throws CONFIG, IO.
 */
export async function readSettings(
  flags: RadiomicsFlags & { readonly params: string | undefined; readonly set: readonly string[] },
  masked = false,
): Promise<ResolvedSettings> {
  const file = flags.params === undefined ? undefined : fromUser(flags.params);
  const written = await readParams(file, flags.set);
  const typed = checkedFlags(settingsOfFlags(flags, written.discretisation, written.filteredDiscretisation));
  const given = { ...written, ...typed };
  const mask =
    given.mask === undefined
      ? undefined
      : {
          spec: given.mask,
          folder: typed.mask === undefined && file !== undefined ? dirname(file) : userFolder(),
        };
  return { ...resolved(given, masked || mask !== undefined), mask, given, paramsFile: file };
}

async function readParams(file: string | undefined, set: readonly string[]): Promise<RadiomicsSettings> {
  const content =
    file === undefined
      ? ''
      : await readFile(file, 'utf8').catch((cause: unknown) => {
          throw ioError(cause, file, 'read');
        });
  const source = new ConfigText(content, file === undefined ? '--set' : relative(process.cwd(), file));
  for (const assignment of set) source.set(assignment);
  source.interpolate(process.env);
  const value = source.value();
  refuseOther(value, file);
  const parsed = settingsSchema.safeParse(value);
  source.refuse((parsed.error?.issues ?? []).flatMap(mistakesOf));
  return parsed.data!;
}

/** The keys of pyradiomics' parameter files. */
const OTHERS_KEYS = ['imageType', 'featureClass', 'setting', 'voxelSetting'];

function refuseOther(value: unknown, file: string | undefined): void {
  const keys = Object.keys((value ?? {}) as object);
  const key = OTHERS_KEYS.find((other) => keys.includes(other));
  if (key === undefined || file === undefined) return;
  throw new ThawError('CONFIG', `\`${key}\` is of a parameter file of pyradiomics.`, {
    file: relative(process.cwd(), file),
    hint: 'docs/radiomics.md says which setting here is which there.',
  });
}

function checkedFlags(settings: Readonly<Record<string, unknown>>): RadiomicsSettings {
  const parsed = settingsSchema.safeParse(settings);
  const [issue] = parsed.error?.issues ?? [];
  if (issue === undefined) return parsed.data!;
  throw new ThawError('CONFIG', issue.message, { node: flagOf(issue.path.map(String)) });
}

function resolved(
  given: RadiomicsSettings,
  hasMask: boolean,
): Omit<ResolvedSettings, 'mask' | 'given' | 'paramsFile'> {
  const { features = ['ibsi'], range, slice = 'volume', label: labels = 'any', depth, window } = given;
  const request = { words: features, settings: familySettings(given, hasMask), range };
  const selection = selectFeatures(request);
  const isPaper = selection.options.features === 'paper79';
  checkTogether(given, isPaper, hasMask);
  return {
    selection,
    slice,
    labels,
    anyPosition: given.anyPosition ?? false,
    pixelSize: given.pixelSize,
    depth: depth ?? ((isPaper && range === undefined) || 'window' in given ? 'levels' : 'full'),
    window,
  };
}

function familySettings(given: RadiomicsSettings, hasMask: boolean): FeatureRequest['settings'] {
  const { range, fieldBox } = given;
  const keys = Object.keys(featureSettings) as (keyof typeof featureSettings)[];
  const settings = Object.fromEntries(
    keys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
  const ranged = (binning: Discretisation): Discretisation =>
    range === undefined || binning.range !== undefined ? binning : { ...binning, range };
  return {
    ...settings,
    discretisation: ranged(given.discretisation ?? { binning: 'count', count: 32 }),
    mask: hasMask ? 'given' : fieldBox === undefined ? 'none' : `${fieldBox}-box`,
  };
}

function checkTogether(given: RadiomicsSettings, isPaper: boolean, hasMask: boolean): void {
  if (isPaper) {
    const other = Object.keys(given).find((key) => !OF_PAPER.includes(key));
    if (other !== undefined)
      throw wrong(flagOf([other]), 'the features of the paper are of whole images and have no such setting.');
  }
  if (hasMask && given.fieldBox !== undefined)
    throw wrong(
      '--field-box',
      'a box is looked for where no mask is given, and one is.',
      'Leave one of them out.',
    );
  if (!hasMask && given.label !== undefined)
    throw wrong('--label', 'is a value of a mask, and none is given.', 'Add --mask.');
  if (!hasMask && given.slice === 'largest-mask')
    throw wrong(
      '--slice',
      'largest-mask is the slice with most of a mask, and none is given.',
      'Add --mask.',
    );
  // `first` is undefined.
  if ('window' in given && given.depth === 'full')
    throw wrong('--window', 'makes 8-bit levels of DICOM, and the depth is full.', 'Say --depth levels.');
}

function wrong(node: string, summary: string, hint?: string): ThawError {
  return new ThawError('CONFIG', summary, hint === undefined ? { node } : { node, hint });
}
