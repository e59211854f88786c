import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { throwIfAborted, unlessAborted } from '../base/abort.js';
import { withClaim } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import type { Progress, ProgressTask } from '../base/progress.js';
import type { ModelCard } from '../model/card.js';
import { type BatchShapes, batchShapes, firstUnstorable } from './batch.js';
import { BatchLoader, type LoadedBatch } from './batch-loader.js';
import type { FeatureImages } from './images.js';
import { createSession } from './open-session.js';
import { runPipeline } from './pipeline.js';
import type { Device, Extractor, Session } from './session.js';
import { FeatureSink } from './sink.js';
import {
  FEATURE_STORE_VERSION,
  type FeatureDtype,
  type FeatureKey,
  type FeatureStore,
  featureCount,
  featureStoreFolder,
  featureStoreId,
  findFeatureStore,
} from './store.js';
import { type View, viewName, viewSide } from './view.js';
import { type FeatureJournal, FeatureWriter } from './writer.js';

export interface ExtractOptions {
  readonly images: FeatureImages;
  readonly model: { readonly card: ModelCard; readonly fingerprint: string };
  /** ONNX file that ends at the cut, and the shape of one image's activation there. */
  readonly prefix: { readonly path: string; readonly shape: readonly number[] };
  /** Name of the cut. */
  readonly cut: string;
  readonly view: View;
  readonly dtype: FeatureDtype;
  /** Cache folder; the store is made in `<cache>/features/<id>`. */
  readonly cache: string;
  readonly device: Device;
  readonly extractor?: Extractor;
  /** Threads of an inference on the CPU (default: all that this process may use). */
  readonly threads?: number;
  /** Images per inference; default: what the prefix was exported for, else `defaultBatch`. */
  readonly batch?: number;
  readonly progress: Progress;
  /** Told the reason when the GPU of `device: auto` is not used; default: a note of the progress. */
  readonly onCpuInstead?: (reason: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Seconds between two journal entries: what a killed run may have to compute again (default 5). */
  readonly journalSeconds?: number;
}

const NORMALISATION_HINT =
  'Check the input normalisation of the model card (value = (pixel × scale − mean) / std, pixels 0–255) and its weights.';
const RESUME_HINT = 'Run the same command again; extraction goes on at the last image that was written.';

/** What a user is told when `device: auto` could not take the GPU. */
export function cpuWarning(reason: string): string {
  return `warning: features are extracted on the CPU, because ${reason}`;
}

/** What the features of these options are addressed by; `findFeatureStore` tells whether they are there already. */
export function featureKey(
  options: Pick<ExtractOptions, 'model' | 'cut' | 'view' | 'dtype'> & { images: { id: string } },
): FeatureKey {
  const { images, model, cut, view, dtype } = options;
  const { size: _, ...input } = model.card.input;
  return { images: images.id, model: model.fingerprint, input, cut, view, dtype };
}

/**
 * The activations of a frozen prefix for every image, computed once: reads the store of the same key where there is one,
 * goes on with what a stopped or killed run has left, waits while another process makes it. Batch assembly of the next
 * and writing of the last batch run while the network computes; extraction follows a running ingest through `ready`.
 * Throws MODEL when prefix and images do not fit, NON_FINITE for a feature that cannot be stored, RUNTIME for a device
 * that cannot be used, ABORTED (resumable), IO (disk full …).
 */
export async function extractFeatures(options: ExtractOptions): Promise<FeatureStore> {
  const key = featureKey(options);
  const { progress } = options;
  const complete = await findIntact(key, options);
  if (complete !== undefined) return complete;
  return withClaim(
    featureStoreFolder(key, options.cache),
    async (signal) => (await findIntact(key, options)) ?? (await extract(key, options, signal)),
    {
      signal: options.signal,
      onWait: (owner) =>
        progress.note(
          `waiting for process ${owner.pid} on ${owner.host.split(' ')[0]}, which extracts the same features`,
        ),
    },
  );
}

/** The complete store; a damaged one is removed (what is derived can be derived again). */
async function findIntact(
  key: FeatureKey,
  { cache, progress }: ExtractOptions,
): Promise<FeatureStore | undefined> {
  try {
    return await findFeatureStore(key, cache);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'STORE') throw error;
    progress.note(`damaged features are extracted again: ${error.summary}`);
    await rm(featureStoreFolder(key, cache), { recursive: true, force: true });
    return undefined;
  }
}

async function extract(key: FeatureKey, options: ExtractOptions, signal: AbortSignal): Promise<FeatureStore> {
  const { images, prefix, dtype } = options;
  const { rows } = images;
  const writer = await FeatureWriter.open(featureStoreFolder(key, options.cache), {
    rows,
    shape: prefix.shape,
    dtype,
  });
  try {
    const left = writer.resumed;
    const made = left?.rows === rows ? left : await computeRows(options, writer, signal);
    const quarantined = await unlessAborted(Promise.resolve(images.quarantine()), signal, RESUME_HINT);
    return await writer.complete({
      version: FEATURE_STORE_VERSION,
      id: featureStoreId(key),
      key,
      dtype,
      rows,
      shape: prefix.shape,
      quarantinedRows: [...quarantined].sort((a, b) => a - b),
      provider: made.provider,
      runtime: made.runtime,
      ...(made.providerNote === undefined ? {} : { providerNote: made.providerNote }),
      ...(made.placement === undefined ? {} : { placement: made.placement }),
      extractSeconds: made.seconds,
      imagesPerSecond: made.seconds > 0 ? rows / made.seconds : 0,
    });
  } finally {
    await writer.close();
  }
}

/** Computes the rows that are not there yet; resolves to the journal entry of the complete store. */
async function computeRows(
  options: ExtractOptions,
  writer: FeatureWriter,
  signal: AbortSignal,
): Promise<FeatureJournal> {
  const { images, model, prefix, progress, cut } = options;
  requireSaneInput(model.card);
  const session = await createSession(prefix.path, {
    device: options.device,
    ...(options.extractor === undefined ? {} : { extractor: options.extractor }),
    threads: options.threads ?? availableParallelism(),
    spin: await areDecoded(images, signal),
  });
  try {
    const network = { path: prefix.path, inputShape: session.inputShape, outputShape: session.outputShape };
    const size = viewSide(options.view, images.layout.size);
    const image = { channels: model.card.input.channels, size };
    const shapes = batchShapes(network, image, { name: cut, shape: prefix.shape }, options.batch);
    if (session.providerNote !== undefined) {
      const { onCpuInstead = (reason: string) => progress.note(cpuWarning(reason)) } = options;
      onCpuInstead(session.providerNote);
    }
    const first = writer.resumed?.rows ?? 0;
    const shown = options.view === 'identity' ? '' : `, ${viewName(options.view)}`;
    const name = `extract ${model.card.name} at ${cut}${shown}`;
    const task = progress.start(name, images.rows, 'images', first);
    const journal = await runBatches(options, session, shapes, writer, signal, task);
    task.finish();
    return journal;
  } finally {
    await session.release();
  }
}

/** Largest input of a network for which sums of a few thousand products stay far from overflowing. */
const LARGEST_INPUT = 1e30;

/** Throws NON_FINITE when the card's normalisation makes numbers that overflow in the network, where they may go unseen. */
function requireSaneInput({ name, input }: ModelCard): void {
  const { scale, mean, std } = input;
  const ends = mean.flatMap((middle, channel) =>
    [0, 255].map((pixel) => Math.abs((pixel * scale - middle) / (std[channel] as number))),
  );
  const largest = Math.max(...ends);
  if (largest <= LARGEST_INPUT) return;
  throw new ThawError(
    'NON_FINITE',
    `the input normalisation of model ${name} makes numbers up to ${largest.toPrecision(3)} of the pixels.`,
    { node: 'input', hint: NORMALISATION_HINT },
  );
}

/** Whether all images are there (waits for the first one). */
async function areDecoded(images: FeatureImages, signal: AbortSignal): Promise<boolean> {
  if (images.ready === undefined) return true;
  await unlessAborted(images.ready(1), signal, RESUME_HINT);
  const all = images.ready(images.rows).then(
    () => true,
    () => false,
  );
  return Promise.race([all, new Promise<false>((resolve) => setImmediate(resolve, false))]);
}

/** The batches from the first row that is not there yet to the last row. */
async function runBatches(
  options: ExtractOptions,
  session: Session,
  shapes: BatchShapes,
  writer: FeatureWriter,
  signal: AbortSignal,
  task: ProgressTask,
): Promise<FeatureJournal> {
  const { images, model, view, dtype, journalSeconds = 5 } = options;
  const [batch] = shapes.input;
  const first = writer.resumed?.rows ?? 0;
  const clock = new WorkClock(writer.resumed?.seconds ?? 0);
  const record = providerRecord(session, writer.resumed);
  const journal = (rows: number): FeatureJournal => ({ rows, seconds: clock.seconds(), ...record });
  const loader = new BatchLoader({
    images,
    input: model.card.input,
    batch,
    view,
    signal,
    abortHint: RESUME_HINT,
  });
  const sink = new FeatureSink({
    writer,
    shape: options.prefix.shape,
    dtype,
    batch,
    journalSeconds,
    journal,
  });
  const length = featureCount(shapes.output);
  const outputs = [new Float32Array(length), new Float32Array(length)] as const;
  const countAt = (start: number) => Math.min(batch, images.rows - start);
  try {
    await runPipeline<LoadedBatch>(
      { first, end: images.rows, step: batch },
      {
        load: (start, turn) => loader.load(start, turn),
        compute: async ({ pixels, readyAt }, start, turn) => {
          clock.wasIdleUntil(readyAt);
          throwIfAborted(signal, RESUME_HINT);
          await session.run(pixels, shapes.input, outputs[turn], shapes.output);
          await checkFeatures(outputs[turn], start, countAt(start), options, signal);
          clock.isIdle();
          task.advance(countAt(start));
        },
        store: (start, turn) => sink.put(outputs[turn], start, countAt(start), turn),
      },
    );
  } catch (error) {
    // What has been computed is kept for the next run; the first error is the one to report.
    await sink.finish().catch(() => {});
    throw error;
  } finally {
    loader.dispose();
  }
  await sink.finish();
  return journal(images.rows);
}

/** Seconds of work: wall time less the time in which there was nothing to compute because images were not decoded yet. */
class WorkClock {
  private readonly begun = performance.now();
  private idleSince = this.begun;
  private idle = 0;

  /** `earlier`: seconds of former runs. */
  constructor(private readonly earlier: number) {}

  /** The network has nothing to do from now on. */
  isIdle(): void {
    this.idleSince = performance.now();
  }

  /** The next images were there at `time` (`performance.now()`), perhaps long before the network asked for them. */
  wasIdleUntil(time: number): void {
    this.idle += Math.max(0, time - this.idleSince);
  }

  seconds(): number {
    return this.earlier + (performance.now() - this.begun - this.idle) / 1000;
  }
}

/** What runs the network in this run, with a note when an earlier run made the first rows with something else. */
function providerRecord(
  session: Session,
  resumed: FeatureJournal | undefined,
): Omit<FeatureJournal, 'rows' | 'seconds'> {
  const { provider, runtime, placement } = session;
  const same = resumed === undefined || (resumed.provider === provider && resumed.runtime === runtime);
  const mixed = same
    ? undefined
    : `the first ${resumed.rows} rows were extracted with ${resumed.runtime} on ${resumed.provider}`;
  const notes = [session.providerNote, mixed].filter((note) => note !== undefined);
  return {
    provider,
    runtime,
    ...(notes.length === 0 ? {} : { providerNote: notes.join('; ') }),
    ...(placement === undefined ? {} : { placement }),
  };
}

/** Throws NON_FINITE when a row cannot be stored, unless its image is quarantined (then it is zeroed in the end). */
async function checkFeatures(
  features: Float32Array,
  start: number,
  count: number,
  options: ExtractOptions,
  signal: AbortSignal,
): Promise<void> {
  const { images, model, cut, dtype, prefix } = options;
  const columns = featureCount(prefix.shape);
  for (let from = 0; ; ) {
    const index = firstUnstorable(features, from, count * columns, dtype);
    if (index < 0) return;
    const row = start + Math.floor(index / columns);
    const quarantined = await unlessAborted(Promise.resolve(images.quarantine()), signal, RESUME_HINT);
    if (!quarantined.includes(row)) {
      const value = features[index] as number;
      throw new ThawError(
        'NON_FINITE',
        `image row ${row} gives the feature ${value} in model ${model.card.name}, which ${dtype} cannot hold.`,
        {
          file: images.dataPath,
          node: cut,
          hint: Number.isFinite(value) ? 'Store the features as float32.' : NORMALISATION_HINT,
        },
      );
    }
    from = (row - start + 1) * columns;
  }
}
