import { z } from 'zod';
import type { PhantomChestSource, PhantomLimbSource, TexturesSource } from '../data/load.js';
import { FINDINGS } from '../data/sources/phantom/chest/findings.js';
import { LIMB_PARTS } from '../data/sources/phantom/limb/skeletons.js';
import { MOST_CLASSES } from '../data/sources/phantom/textures/render.js';
import { LIMB_FINDINGS } from '../data/sources/phantom-limb.js';
import { byShape, mapping, number, whole, words } from './schema-words.js';
import { seed } from './trial-schema.js';

const share = number('a share of the images from 0 to 1', (value) => value >= 0 && value <= 1);

function shares(findings: readonly string[]) {
  return mapping(Object.fromEntries(findings.map((finding) => [finding, share.exactOptional()])));
}

const chestPrevalence = byShape((value) => {
  // The commonest finding has a share of 0.177.
  if (typeof value === 'number')
    return number('a factor from 0 to 5.6', (factor) => factor >= 0 && factor <= 5.6);
  return typeof value === 'object' && value !== null ? shares(FINDINGS) : words('nih');
}) as z.ZodType<PhantomChestSource['prevalence']>;

const drawn = {
  images: whole('a whole number from 1 to 10 million', 1, 10_000_000).default(400),
  size: whole('a size from 16 to 4096 pixels', 16, 4096).default(128),
  seed: seed.default(0),
};
const patients = whole('a whole number of at least 1', 1).optional();

/** Keys of the simulated data sets, by `kind`. */
export const phantomKeys = {
  chest: { kind: z.literal('phantom-chest'), ...drawn, patients, prevalence: chestPrevalence.default('nih') },
  limb: {
    kind: z.literal('phantom-limb'),
    part: words(...LIMB_PARTS, 'all').default('knee'),
    ...drawn,
    patients,
    prevalence: (shares(LIMB_FINDINGS) as z.ZodType<PhantomLimbSource['prevalence']>).prefault({}),
  },
  textures: {
    kind: z.literal('textures'),
    ...drawn,
    classes: whole(`a whole number from 2 to ${MOST_CLASSES}`, 2, MOST_CLASSES).default(16),
  },
};

/** As many patients as images at most. */
export const patientsWithinImages: [(entry: Counts) => boolean, { path: string[]; error: string }] = [
  ({ patients = 1, images }) => patients <= images,
  { path: ['patients'], error: 'expected at most as many patients as images, received more.' },
];
interface Counts {
  readonly patients?: number | undefined;
  readonly images: number;
}

type Given<Source> = Omit<Source, 'patients'> & { readonly patients?: number | undefined };

/** The data set that an entry describes; two images a patient where the entry does not say. */
export function phantomSource(
  given: Given<PhantomChestSource> | Given<PhantomLimbSource> | TexturesSource,
): PhantomChestSource | PhantomLimbSource | TexturesSource {
  if (given.kind === 'textures') return given;
  return { ...given, patients: given.patients ?? Math.ceil(given.images / 2) };
}
