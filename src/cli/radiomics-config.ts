import { join, relative } from 'node:path';
import { ThawError } from '../base/errors.js';
import { sha256File } from '../base/hash.js';
import { suggestionOrList } from '../base/nearest.js';
import { datasetFingerprint } from '../data/dataset.js';
import { type OpenedDataset, openDatasets, splitOf } from '../execute/open.js';
import { decodeImage, layOut } from '../image/decode.js';
import { greyVolume, readGrey } from '../image/grey/read.js';
import { type GreyVolume, volumeOf } from '../image/grey/volume.js';
import { shownPath } from '../predict/files.js';
import { greyOf } from '../radiomics/make-store.js';
import { maskFinder } from '../radiomics/mask-files.js';
import type { RadiomicsCase } from '../radiomics/measure.js';
import type { TableColumn } from '../radiomics/table/layout.js';
import { readConfig } from '../sweep/read-config.js';
import { folders } from './models-folders.js';
import { fromUser, userFolder } from './paths.js';
import type { RadiomicsInputs } from './radiomics-files.js';
import type { ResolvedSettings } from './radiomics-settings.js';

export interface InputOptions {
  /** `--data`, of a config with several data sets. */
  readonly data: string | undefined;
  /** `--original`: a config's files as they are, not as its trials see them. */
  readonly original: boolean;
}

const text = (name: string): TableColumn => ({ name, type: 'text' });

/** All images of a config's data set: as its trials see them, in grey, or with `original` the files as they are. */
export async function fromConfig(
  path: string,
  settings: ResolvedSettings,
  options: InputOptions,
): Promise<RadiomicsInputs> {
  const file = fromUser(path);
  const config = await readConfig(relative(process.cwd(), file), { models: folders() });
  const name = datasetName(Object.keys(config.data), options.data);
  const opened = (await openDatasets(config, { datasets: new Set([name]), sources: new Set() })).get(name)!;
  if (!options.original) refuseLaidOut(settings);
  const { dataset } = opened;
  const { mask } = settings;
  if (mask !== undefined && dataset.embedded !== undefined)
    throw new ThawError(
      'CONFIG',
      'the images of this data set are no files that masks could be named after.',
      {
        node: '--mask',
      },
    );
  const finder = mask === undefined ? undefined : await maskFinder(mask.spec, mask.folder);
  const cases = dataset.entries.map((entry, row): RadiomicsCase => {
    const image = join(dataset.root, entry.path);
    return {
      name: entry.path,
      open: () => openEntry(opened, row, options.original, settings),
      ...(finder === undefined ? {} : { mask: finder(image) }),
    };
  });
  return {
    cases,
    ...leadOf(opened, cases, finder !== undefined),
    withLabels: settings.labels !== 'any',
    about: {
      config: path,
      configSha256: await sha256File(file),
      data: name,
      dataFingerprint: datasetFingerprint(dataset),
      ...(options.original ? {} : { image: opened.config.image }),
    },
  };
}

function datasetName(known: readonly string[], wanted: string | undefined): string {
  if (wanted === undefined && known.length === 1) return known[0]!;
  if (wanted !== undefined && known.includes(wanted)) return wanted;
  throw new ThawError(
    'CONFIG',
    wanted === undefined
      ? `the config has ${known.length} data sets.`
      : `the config has no data set '${wanted}'.`,
    {
      node: '--data',
      hint: wanted === undefined ? `Name one of ${known.join(', ')}.` : suggestionOrList(wanted, known),
    },
  );
}

/** Settings about files as they are have no meaning for images that the config lays out. */
function refuseLaidOut({ given, mask }: ResolvedSettings): void {
  const setting = (['depth', 'window', 'slice', 'pixelSize'] as const).find(
    (key) => given[key] !== undefined,
  );
  const node = mask === undefined ? setting : 'mask';
  if (node === undefined) return;
  throw new ThawError(
    'CONFIG',
    `\`${node}\` is about image files as they are, not as the config lays them out.`,
    {
      node,
      hint: 'Add --original to take the files in their own size.',
    },
  );
}

async function openEntry(
  opened: OpenedDataset,
  row: number,
  original: boolean,
  settings: ResolvedSettings,
): Promise<GreyVolume> {
  const { dataset, config } = opened;
  const { path } = dataset.entries[row]!;
  const { embedded } = dataset;
  if (original) {
    const { depth, window = config.image.window } = settings;
    return embedded === undefined
      ? readGrey(join(dataset.root, path), { depth, window })
      : greyVolume(await embedded.read(row), depth);
  }
  const layout = config.image;
  const pixels =
    embedded === undefined
      ? await decodeImage(join(dataset.root, path), layout)
      : await layOut(await embedded.read(row), path, layout);
  return volumeOf(greyOf(pixels, layout.channels), { width: layout.size, height: layout.size });
}

/** Path, patient, part of the split, and labels (1, 0, empty where unknown). */
function leadOf(
  opened: OpenedDataset,
  cases: readonly RadiomicsCase[],
  withMasks: boolean,
): Pick<RadiomicsInputs, 'lead' | 'leadCells'> {
  const { dataset } = opened;
  const parts = splitNames(opened);
  const { labelNames, labels } = dataset;
  return {
    lead: [
      text('image'),
      ...(withMasks ? [text('mask')] : []),
      text('patient'),
      text('split'),
      ...labelNames.map((name) => ({ name: `label:${name}`, type: 'number' as const })),
    ],
    leadCells: (row) => {
      const { path, patient } = dataset.entries[row]!;
      const { mask } = cases[row]!;
      const known = Array.from(
        labels.subarray(row * labelNames.length, (row + 1) * labelNames.length),
        (label) => (Number.isNaN(label) ? null : label),
      );
      const shown = typeof mask === 'string' ? shownPath(mask, userFolder()) : null;
      return [path, ...(withMasks ? [shown] : []), patient, parts[row] ?? null, ...known];
    },
  };
}

function splitNames(opened: OpenedDataset): (string | undefined)[] {
  const split = splitOf(opened, undefined);
  const names: (string | undefined)[] = new Array(opened.dataset.entries.length).fill(undefined);
  for (const part of ['train', 'validation', 'test'] as const)
    for (const row of split[part]) names[row] = part;
  return names;
}
