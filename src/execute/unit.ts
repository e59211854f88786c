import { hostname } from 'node:os';
import { ThawError } from '../base/errors.js';
import type { Dataset } from '../data/dataset.js';
import { loadDataset } from '../data/load.js';
import type { Split } from '../data/split.js';
import { buildTask, type Task } from '../data/task.js';
import { addon } from '../engine/addon.js';
import { type FeatureStore, openFeatureStore } from '../features/store.js';
import { type ImageStore, openImageStore } from '../image/store.js';
import type { LoadedModel } from '../model/registry.js';
import { openRadiomicsStore } from '../radiomics/store.js';
import type { LedgerRow, LedgerWriter, PredictionWriter, Versions } from '../sweep/ledger.js';
import { withinHalf } from '../sweep/predictions.js';
import { REGRESSION, trainsNetwork } from '../sweep/strategy.js';
import { trainHeads } from '../train/head-trials.js';
import { trainNetworks } from '../train/network-trials.js';
import type { TrialOutcome } from '../train/outcome.js';
import { trainRegressions } from '../train/regression-trials.js';
import { type TrialResult, type TrialSpec, trialId } from '../train/trial.js';
import type { TrialInputs, TrialOptions } from '../train/trial-rows.js';
import { loadSource, splitOf } from './open.js';
import type { Shard, ShardUnit } from './shard.js';

interface OpenDataset {
  readonly dataset: Dataset;
  readonly images: ImageStore;
  readonly split: Split;
  readonly tasks: Map<string, Task>;
}

/** Runs units of one shard in this process; tables, splits and tasks are read once and kept, and the last network read. */
export class UnitRunner {
  private readonly open = new Map<string, OpenDataset>();
  private lastModel: { readonly source: string; readonly model: LoadedModel } | undefined;

  constructor(
    private readonly shard: Shard,
    private readonly versions: Versions,
    private readonly ledger: LedgerWriter,
    private readonly predictions: PredictionWriter,
  ) {}

  /**
   * Trains all trials of a unit and records them. Resolves to the counts; rejects when the unit could not run at all or was
   * aborted, in which case none of its trials is recorded.
   */
  async run(
    unit: ShardUnit,
    attempt: number,
    options: TrialOptions,
  ): Promise<{ ok: number; failed: number }> {
    const { dataset, images, split, tasks } = await this.dataset(unit.dataset);
    const task = tasks.get(unit.task) ?? buildTask(dataset, unit.task, this.rule(unit.task));
    tasks.set(unit.task, task);
    const inputs = { dataset, task, split, images, threads: this.shard.threads };
    const outcomes = await this.train(unit, inputs, options);
    const rows: LedgerRow[] = [];
    for (const outcome of outcomes) rows.push(await this.row(outcome, task, attempt, unit));
    await this.predictions.flush();
    await this.ledger.appendAll(rows);
    const ok = rows.filter((row) => row.status === 'ok').length;
    return { ok, failed: rows.length - ok };
  }

  private async train(unit: ShardUnit, inputs: TrialInputs, options: TrialOptions): Promise<TrialOutcome[]> {
    const { featureStore, viewStores = [], activations = {}, trials, source } = unit;
    if (trials.some(({ strategy }) => strategy === REGRESSION)) {
      const radiomics = await openRadiomicsStore(required(featureStore, unit.id));
      return trainRegressions({ ...inputs, radiomics }, trials, options);
    }
    const features = featureStore === undefined ? undefined : await openFeatureStore(featureStore);
    const otherViews = await Promise.all(viewStores.map(openFeatureStore));
    if (trials.some(({ strategy }) => trainsNetwork(strategy))) {
      const model = await this.model(source, trials);
      const opened = await openActivations(activations);
      return trainNetworks(
        {
          ...inputs,
          model,
          otherViews,
          activations: opened,
          ...(features === undefined ? {} : { features }),
        },
        trials,
        options,
      );
    }
    return trainHeads({ ...inputs, otherViews, features: required(features, unit.id) }, trials, options);
  }

  /** The network of a source. Throws MODEL when it is another than the one that the trials were planned with. */
  private async model(name: string, trials: readonly TrialSpec[]): Promise<LoadedModel> {
    if (this.lastModel?.source !== name) {
      const source = this.shard.sources[name];
      if (source === undefined)
        throw new ThawError('CONFIG', 'the shard has no source of this name.', { node: name });
      this.lastModel = undefined;
      this.lastModel = { source: name, model: await loadSource(source) };
    }
    const { model } = this.lastModel;
    const other = trials.find(({ sourceFingerprint }) => sourceFingerprint !== model.fingerprint);
    if (other === undefined) return model;
    throw new ThawError(
      'MODEL',
      `expected the network ${other.sourceFingerprint}, received ${model.fingerprint}: its files have changed since the sweep began.`,
      { node: name, hint: 'Run the same command again.' },
    );
  }

  private async dataset(name: string): Promise<OpenDataset> {
    const known = this.open.get(name);
    if (known !== undefined) return known;
    const entry = this.shard.datasets[name];
    if (entry === undefined)
      throw new ThawError('CONFIG', `the shard has no data set of this name.`, { node: name });
    const [dataset, images] = await Promise.all([
      loadDataset(name, entry.source),
      openImageStore(entry.imageStore),
    ]);
    const opened: OpenDataset = {
      dataset,
      images,
      split: splitOf({ dataset, config: entry, dropped: entry.dropped }, images),
      tasks: new Map(),
    };
    this.open.set(name, opened);
    return opened;
  }

  private rule(name: string) {
    const rule = this.shard.tasks[name];
    if (rule === undefined)
      throw new ThawError('CONFIG', 'the shard has no task of this name.', { node: name });
    return rule;
  }

  private async row(
    outcome: TrialOutcome,
    task: Task,
    attempt: number,
    { seenData }: Pick<ShardUnit, 'seenData'>,
  ): Promise<LedgerRow> {
    const base = {
      trial: trialId(outcome.spec),
      spec: outcome.spec,
      attempt,
      worker: this.ledger.worker,
      host: hostname(),
      finishedAt: new Date().toISOString(),
      versions: this.versions,
      threads: this.shard.threads,
      ...(seenData === undefined ? {} : { seenData }),
    };
    if (outcome.status === 'failed') return { ...base, status: 'failed', error: outcome.error };
    const outputs = task.outputNames.length;
    const predictions = await this.kept(outcome.testLogits, outputs);
    const ofValidation = await this.kept(outcome.validationLogits, outputs);
    const { buffer, byteOffset, byteLength } = outcome.validationRows;
    const { offset: indices } = await this.predictions.append(new Uint8Array(buffer, byteOffset, byteLength));
    const validationPredictions = { ...ofValidation, indices };
    return { ...base, status: 'ok', result: { ...outcome.result, predictions, validationPredictions } };
  }

  /** Appends logits [rows × outputs] as float16. */
  private async kept(logits: Float32Array, outputs: number): Promise<TrialResult['predictions']> {
    const half = new Uint16Array(logits.length);
    await addon().convertToHalf(withinHalf(logits), half);
    const place = await this.predictions.append(new Uint8Array(half.buffer));
    return { ...place, rows: half.length / outputs, outputs };
  }
}

function required<Features>(features: Features | undefined, unit: string): Features {
  if (features !== undefined) return features;
  throw new ThawError(
    'CONFIG',
    'expected a store of features for a unit of heads or regressions, received none.',
    {
      node: unit,
    },
  );
}

/** Feature stores by cut, from their folders. */
async function openActivations(
  folders: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, FeatureStore>> {
  const stores = new Map<string, FeatureStore>();
  for (const [cut, folder] of Object.entries(folders)) stores.set(cut, await openFeatureStore(folder));
  return stores;
}
