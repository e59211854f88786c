import { dirname, posix, relative } from 'node:path';
import { ThawError } from '../../base/errors.js';
import type { Dataset, SplitName } from '../dataset.js';
import { EntryTable } from '../entry-table.js';
import { existingPaths } from '../image-files.js';
import { requirePublished } from '../published-files.js';
import { readLines } from '../table.js';

/** MURA v1.1 as Stanford publishes it (Rajpurkar et al., MIDL 2018). */
export interface MuraSource {
  readonly kind: 'mura';
  /** The folder `MURA-v1.1`, or the one that has it. */
  readonly root: string;
  /** Body parts to use; default all seven. */
  readonly parts?: readonly MuraPart[] | undefined;
  /** Split of the published validation images; default `validation`. */
  readonly validAs?: 'validation' | 'test' | undefined;
  readonly allowMissing?: boolean | undefined;
}

export const MURA_PARTS = ['elbow', 'finger', 'forearm', 'hand', 'humerus', 'shoulder', 'wrist'] as const;
export type MuraPart = (typeof MURA_PARTS)[number];

export async function loadMura(name: string, source: MuraSource): Promise<Dataset> {
  const { root } = source;
  const wanted = new Set<string>(source.parts ?? MURA_PARTS);
  const lists = {
    train: await publishedList(root, 'train_image_paths.csv'),
    valid: await publishedList(root, 'valid_image_paths.csv'),
  };
  const above = relative(root, dirname(lists.train)).replaceAll('\\', '/');
  const rows = new EntryTable(`${lists.train}, ${lists.valid}`);
  let leftOut = 0;
  for (const part of ['train', 'valid'] as const) {
    const file = lists[part];
    const labelOf = await readStudies(await publishedList(root, `${part}_labeled_studies.csv`));
    const split: SplitName = part === 'train' ? 'train' : (source.validAs ?? 'validation');
    for (const [index, line] of (await readLines(file)).entries()) {
      const { path, study, site, patient } = listedImage(line, file, index + 1);
      if (!wanted.has(site)) {
        leftOut++;
        continue;
      }
      const label = labelOf.get(study);
      if (label === undefined) {
        throw new ThawError('DATA', `the study '${study}' has no label in ${part}_labeled_studies.csv.`, {
          file,
          row: index + 1,
          hint: 'Download both lists again.',
        });
      }
      rows.add({ path: posix.join(above, path), patient, split, site }, [label], index + 1);
    }
  }
  const existing = await existingPaths(root, rows.paths);
  const found = rows.finish(
    (path) => (existing.has(path) ? path : undefined),
    source.allowMissing ?? false,
    existing.repeated,
  );
  return {
    name,
    root,
    ...found,
    labelNames: ['Abnormal'],
    exclusive: false,
    patientsAssumed: false,
    notes: [...found.notes, ...(leftOut === 0 ? [] : [`${leftOut} images of other body parts left out`])],
  };
}

function publishedList(root: string, name: string): Promise<string> {
  return requirePublished(root, {
    name,
    pattern: new RegExp(`^${name.replace('.', '\\.')}$`),
    folders: ['', 'MURA-v1.1'],
  });
}

interface ListedImage {
  /** From `train` or `valid` on. */
  readonly path: string;
  readonly study: string;
  readonly site: string;
  readonly patient: string;
}

/**
 * `MURA-v1.1/train/XR_WRIST/patient00006/study1_positive/image1.png`. Patients are numbered through all body parts (11,184 of
 * them in training, and validation begins with 11,185), so one number under several parts is one person.
 */
function listedImage(line: string, file: string, row: number): ListedImage {
  const [, path = '', study = '', site = '', patient = ''] =
    /(?:^|\/)(((?:train|valid)\/XR_([A-Z]+)\/(patient\d+)\/study[^/]+)\/[^/]+)$/.exec(line) ?? [];
  if (path !== '') return { path, study, site: site.toLowerCase(), patient };
  throw new ThawError(
    'DATA',
    `expected a path such as 'MURA-v1.1/train/XR_WRIST/patient00006/study1_positive/image1.png' but found '${line}'.`,
    { file, row },
  );
}

/** Study (from `train` or `valid` on) → 1 abnormal, 0 normal; the name of its folder must agree. */
async function readStudies(file: string): Promise<Map<string, number>> {
  const labelOf = new Map<string, number>();
  for (const [index, line] of (await readLines(file)).entries()) {
    const [, study = '', word = '', label = ''] =
      /(?:^|\/)((?:train|valid)\/[^,]*_(positive|negative))\/?,\s*([01])$/.exec(line) ?? [];
    if (study === '' || (word === 'positive') !== (label === '1')) {
      throw new ThawError(
        'DATA',
        `expected 'STUDY_positive/,1' or 'STUDY_negative/,0' but found '${line}'.`,
        {
          file,
          row: index + 1,
          hint: 'Download the list again.',
        },
      );
    }
    labelOf.set(study, Number(label));
  }
  return labelOf;
}
