import { ThawError } from '../base/errors.js';
import type { Progress } from '../base/progress.js';
import { defaultBatch } from '../features/batch.js';
import { cpuWarning, extractFeatures, featureKey } from '../features/extract.js';
import { ingestedImages } from '../features/images.js';
import type { Device, Extractor } from '../features/session.js';
import { type FeatureStore, findFeatureStore } from '../features/store.js';
import { type View, viewKey, viewSide } from '../features/view.js';
import { findImageStore, type IngestRun, startIngest } from '../image/ingest.js';
import type { ImageStore } from '../image/store.js';
import { exportPrefix } from '../model/prefix.js';
import type { LoadedModel } from '../model/registry.js';
import { makeRadiomicsStore, radiomicsKey } from '../radiomics/make-store.js';
import { findRadiomicsStore, type RadiomicsStore } from '../radiomics/store.js';
import { readsFeatures } from '../sweep/strategy.js';
import { storedViews } from '../train/test-views.js';
import type { TrialSpec } from '../train/trial.js';
import type { OpenedDataset, OpenedSource } from './open.js';

/** Which feature store a trial trains on. */
export interface StoreName {
  readonly dataset: string;
  readonly source: string;
  readonly cut: string;
  readonly featureDtype: TrialSpec['featureDtype'];
  /** How the images are shown; default: as they are. */
  readonly view?: View;
}

export function storeKey({ dataset, source, cut, featureDtype, view = 'identity' }: StoreName): string {
  return JSON.stringify([dataset, source, cut, featureDtype, viewKey(view)]);
}

/** The different feature stores of some trials, in order of first use, and of the activations that their networks start from. */
export function storesOf(specs: Iterable<TrialSpec>, activations: readonly Activations[] = []): StoreName[] {
  const stores = new Map<string, StoreName>();
  for (const spec of specs) {
    if (!readsFeatures(spec.strategy)) continue;
    const { dataset, source, cut, featureDtype } = spec;
    for (const view of storedViews(spec)) {
      const name = { dataset, source, cut, featureDtype, view };
      stores.set(storeKey(name), name);
    }
  }
  for (const name of activations.map(activationName)) stores.set(storeKey(name), name);
  return [...stores.values()];
}

type Activations = Pick<StoreName, 'dataset' | 'source' | 'cut'>;

/** The store of activations that networks of a source are trained from. */
export function activationName({ dataset, source, cut }: Activations): StoreName {
  return { dataset, source, cut, featureDtype: 'float32', view: 'identity' };
}

export interface StoreOptions {
  readonly cache: string;
  readonly device: Device;
  readonly extractor: Extractor;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Called with every image store as soon as it is complete; a rejection ends everything. */
  readonly onImages?: (dataset: string, images: ImageStore) => Promise<void>;
}

export interface MadeStores {
  /** By data set. */
  readonly images: ReadonlyMap<string, ImageStore>;
  /** By `storeKey`. */
  readonly features: ReadonlyMap<string, FeatureStore>;
  /** By `storeKey`: the hand-made features of radiomics sources. */
  readonly radiomics: ReadonlyMap<string, RadiomicsStore>;
  /** By `storeKey`: why these features cannot be had; their trials fail, the others go on. */
  readonly broken: ReadonlyMap<string, ThawError>;
}

/** Errors of one source: other sources can go on. A full disk, an abort or a missing GPU concern all. */
const SOURCE_FAULTS: ReadonlySet<string> = new Set(['MODEL', 'NON_FINITE']);

/**
 * Makes (or finds) the image store of every data set and the wanted feature stores; extraction of the first features of a
 * data set runs while its images are still being decoded.
 */
export async function makeStores(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
  wanted: readonly StoreName[],
  options: StoreOptions,
): Promise<MadeStores> {
  const images = new Map<string, ImageStore>();
  const features = new Map<string, FeatureStore>();
  const radiomics = new Map<string, RadiomicsStore>();
  const broken = new Map<string, ThawError>();
  const { cache, progress } = options;
  const onCpuInstead = firstOnly((reason) => progress.note(cpuWarning(reason)));
  const refused = new AbortController();
  const signal = AbortSignal.any([options.signal, refused.signal]);
  for (const [name, opened] of datasets) {
    const run = await startIngest(opened.dataset, opened.config.image, { cache, progress, signal });
    const accepted = run.done.then((images) => options.onImages?.(name, images));
    // Awaited below; an extraction that fails first must not leave this rejection unheard, and one that takes hours is not
    // worth its end when the images are refused.
    accepted.catch((error) => refused.abort(error));
    for (const store of wanted.filter(({ dataset }) => dataset === name)) {
      const source = sources.get(store.source)!;
      try {
        if (source.status === 'broken') throw source.error;
        if (source.status === 'radiomics') {
          const stored = ingestedImages(run, opened.config.image);
          const work = { ...options, images: stored, options: source.options, name: store.source, signal };
          radiomics.set(storeKey(store), await makeRadiomicsStore(work));
          continue;
        }
        features.set(
          storeKey(store),
          await extractStore(run, opened, source.model, store, { ...options, signal, onCpuInstead }),
        );
      } catch (error) {
        const own =
          error instanceof ThawError && (SOURCE_FAULTS.has(error.code) || source.status === 'broken');
        if (!own) throw error;
        progress.note(error.message);
        broken.set(storeKey(store), error);
      }
    }
    await accepted;
    images.set(name, await run.done);
  }
  return { images, features, radiomics, broken };
}

async function extractStore(
  run: IngestRun,
  { config }: OpenedDataset,
  model: LoadedModel,
  { cut, featureDtype, view = 'identity' }: StoreName,
  options: StoreOptions & { readonly onCpuInstead: (reason: string) => void },
): Promise<FeatureStore> {
  const { cache, device, extractor, threads, progress, signal, onCpuInstead } = options;
  const size = viewSide(view, config.image.size);
  const prefix = await exportPrefix(model, cut, { size, batch: defaultBatch(size), cacheFolder: cache });
  return extractFeatures({
    images: ingestedImages(run, config.image),
    model,
    prefix,
    cut,
    view,
    dtype: featureDtype,
    cache,
    device,
    extractor,
    threads,
    progress,
    signal,
    onCpuInstead,
  });
}

/** A run says once that it goes on without the GPU, however many stores it makes. */
function firstOnly(tell: (reason: string) => void): (reason: string) => void {
  let told = false;
  return (reason) => {
    if (!told) tell(reason);
    told = true;
  };
}

/** The stores that are there already; nothing is decoded, extracted or written. */
export async function findStores(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
  wanted: readonly StoreName[],
  cache: string,
): Promise<MadeStores> {
  const images = new Map<string, ImageStore>();
  const features = new Map<string, FeatureStore>();
  const radiomics = new Map<string, RadiomicsStore>();
  for (const [name, opened] of datasets) {
    const store = await findImageStore(opened.dataset, opened.config.image, cache);
    if (store === undefined) continue;
    images.set(name, store);
    for (const wantedStore of wanted) {
      const { dataset, source, cut, featureDtype, view = 'identity' } = wantedStore;
      const model = sources.get(source);
      if (dataset !== name) continue;
      if (model?.status === 'radiomics') {
        const key = radiomicsKey({ images: store.index, options: model.options });
        const found = await findRadiomicsStore(key, cache);
        if (found !== undefined) radiomics.set(storeKey(wantedStore), found);
      }
      if (model?.status !== 'ready') continue;
      const key = featureKey({
        images: { id: store.index.id },
        model: model.model,
        cut,
        view,
        dtype: featureDtype,
      });
      const found = await findFeatureStore(key, cache);
      if (found !== undefined) features.set(storeKey(wantedStore), found);
    }
  }
  return { images, features, radiomics, broken: new Map() };
}
