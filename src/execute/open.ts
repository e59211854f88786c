import { dirname } from 'node:path';
import { messageOf, ThawError } from '../base/errors.js';
import { contentId } from '../base/hash.js';
import { type Dataset, datasetFingerprint } from '../data/dataset.js';
import { loadDataset } from '../data/load.js';
import { type Split, splitDataset, splitFingerprint } from '../data/split.js';
import { buildTask, type Task, taskFingerprint } from '../data/task.js';
import type { ImageStore } from '../image/store.js';
import { cutBeforeLastStage } from '../model/cut.js';
import { type LoadedModel, loadModel, readCard } from '../model/registry.js';
import { featureNames } from '../radiomics/names.js';
import type { RadiomicsOptions } from '../radiomics/options.js';
import { radiomicsFingerprint } from '../radiomics/store.js';
import type { DataConfig, ModelSource, SourceConfig, SweepConfig } from '../sweep/config.js';
import type { Fingerprints, LastStageCuts } from '../sweep/expand.js';

/** A data set with its tasks, as far as the table alone tells. */
export interface OpenedDataset {
  readonly config: DataConfig;
  readonly dataset: Dataset;
  /** By task name. */
  readonly tasks: ReadonlyMap<string, Task>;
  /** Rows that `duplicates: drop` leaves out, once the pixels are known. */
  readonly dropped?: readonly number[];
}

/** A source model, hand-made features, or why a model cannot be used; trials of a broken source fail, the others go on. */
export type OpenedSource =
  | { readonly status: 'ready'; readonly model: LoadedModel }
  | { readonly status: 'radiomics'; readonly options: RadiomicsOptions; readonly columns: number }
  | { readonly status: 'broken'; readonly error: ThawError };

/** Names of a config's parts that the trials at hand need. */
export interface Needed {
  readonly datasets: ReadonlySet<string>;
  readonly sources: ReadonlySet<string>;
}

/**
 * Reads the tables that the trials need, builds all their tasks and checks their splits: everything that can be wrong is
 * told before the first image is decoded. Throws DATA, LEAKAGE, CONFIG, IO.
 */
export async function openDatasets(config: SweepConfig, needed: Needed): Promise<Map<string, OpenedDataset>> {
  const opened = new Map<string, OpenedDataset>();
  for (const name of needed.datasets) {
    const entry = config.data[name]!;
    const dataset = await loadDataset(name, entry.source);
    splitDataset(dataset, entry.split, { allowLeakage: entry.allowLeakage });
    const tasks = new Map<string, Task>();
    for (const [task, { rule, datasets }] of Object.entries(config.tasks)) {
      if (datasets === undefined || datasets.includes(name)) tasks.set(task, buildTask(dataset, task, rule));
    }
    opened.set(name, { config: entry, dataset, tasks });
  }
  return opened;
}

/** Opens the sources that the trials need; one that cannot be read is `broken`, unless none can: then the error is thrown. */
export async function openSources(config: SweepConfig, needed: Needed): Promise<Map<string, OpenedSource>> {
  const opened = new Map<string, OpenedSource>();
  for (const name of needed.sources) opened.set(name, await openSource(config.sources[name]!, name));
  const all = [...opened.values()];
  const first = all[0];
  if (first?.status === 'broken' && all.every(({ status }) => status === 'broken')) throw first.error;
  return opened;
}

/** Reads the network of a source. Throws as `loadModel` does. */
export async function loadSource(source: ModelSource): Promise<LoadedModel> {
  return 'card' in source
    ? loadModel(await readCard(source.card), { folder: dirname(source.card) })
    : loadModel(source.inline, { folder: '/' });
}

async function openSource(source: SourceConfig, name: string): Promise<OpenedSource> {
  if ('radiomics' in source) {
    const { radiomics: options } = source;
    return { status: 'radiomics', options, columns: featureNames(options).length };
  }
  try {
    return { status: 'ready', model: await loadSource(source) };
  } catch (cause) {
    if (!(cause instanceof ThawError)) throw cause;
    return {
      status: 'broken',
      error: new ThawError(cause.code, `source ${name}: ${messageOf(cause)}`, { cause }),
    };
  }
}

/** The cut before the last stage of each source that has one, on the images of each data set. */
export function lastStageCuts(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
): LastStageCuts {
  const cuts = new Map<string, string>();
  for (const [dataset, { config }] of datasets) {
    for (const [source, opened] of sources) {
      if (opened.status !== 'ready') continue;
      const { graph, card } = opened.model;
      const inputShape = [card.input.channels, config.image.size, config.image.size];
      try {
        const cut = cutBeforeLastStage(graph, { inputShape, featureTensor: card.featureTensor });
        cuts.set(`${dataset}/${source}`, cut.name);
      } catch (error) {
        // Trials that want it fail by name of the cut that there is not; the others do not need it.
        if (!(error instanceof ThawError) || error.code !== 'MODEL') throw error;
      }
    }
  }
  return cuts;
}

interface SplitDataset {
  readonly dataset: Dataset;
  readonly config: Pick<DataConfig, 'split' | 'allowLeakage'>;
  readonly dropped?: readonly number[] | undefined;
}

/** The final split: quarantined images, as far as the images were read, and dropped copies belong to none of its parts. */
export function splitOf(
  { dataset, config, dropped = [] }: SplitDataset,
  images: ImageStore | undefined,
): Split {
  const exclude = new Set(images?.index.quarantine.map(({ row }) => row));
  for (const row of dropped) exclude.add(row);
  return splitDataset(dataset, config.split, { allowLeakage: config.allowLeakage, exclude });
}

/** What trials are identified by: table, pixels and split; task; graph, weights and normalisation. */
export function fingerprintsOf(
  datasets: ReadonlyMap<string, OpenedDataset>,
  images: ReadonlyMap<string, ImageStore>,
  sources: ReadonlyMap<string, OpenedSource>,
): Fingerprints {
  const data = new Map<string, string>();
  const task = new Map<string, string>();
  for (const [name, opened] of datasets) {
    const store = images.get(name)!;
    const split = splitFingerprint(splitOf(opened, store));
    const { contentHash, layout } = store.index;
    data.set(
      name,
      contentId({ table: datasetFingerprint(opened.dataset), pixels: contentHash, layout, split }),
    );
    for (const [taskName, built] of opened.tasks) task.set(`${name}/${taskName}`, taskFingerprint(built));
  }
  const source = new Map([...sources].map(([name, opened]) => [name, identityOf(opened)]));
  return { data, task, source, lastStageCut: lastStageCuts(datasets, sources) };
}

function identityOf(source: OpenedSource): { readonly fingerprint: string; readonly arch: string } {
  switch (source.status) {
    case 'ready':
      return { fingerprint: source.model.fingerprint, arch: source.model.card.architecture };
    case 'radiomics':
      return { fingerprint: radiomicsFingerprint(source.options), arch: 'logistic-regression' };
    case 'broken':
      return { fingerprint: contentId({ broken: source.error.message }), arch: 'unknown' };
  }
}

/** The network of an opened source. Throws what is wrong with it, or CONFIG for a source that is none. */
export function networkOf(source: OpenedSource, name: string): LoadedModel {
  if (source.status === 'ready') return source.model;
  if (source.status === 'broken') throw source.error;
  throw new ThawError(
    'CONFIG',
    'the source is hand-made features with a logistic regression, not a network.',
    {
      node: name,
      hint: 'Choose trials of another source.',
    },
  );
}
