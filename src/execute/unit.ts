import { hostname } from 'node:os';
import { ThawError } from '../base/errors.js';
import type { Dataset } from '../data/dataset.js';
import { loadDataset } from '../data/load.js';
import type { Split } from '../data/split.js';
import { buildTask, type Task } from '../data/task.js';
import { addon } from '../engine/addon.js';
import { openFeatureStore } from '../features/store.js';
import { type ImageStore, openImageStore } from '../image/store.js';
import type { LedgerRow, LedgerWriter, PredictionWriter, Versions } from '../sweep/ledger.js';
import { type TrialOutcome, trainHeads } from '../train/head-trials.js';
import { trialId } from '../train/trial.js';
import { splitOf } from './open.js';
import type { Shard, ShardUnit } from './shard.js';

interface OpenDataset {
  readonly dataset: Dataset;
  readonly images: ImageStore;
  readonly split: Split;
  readonly tasks: Map<string, Task>;
}

/** Runs units of one shard in this process; tables, splits and tasks are read once and kept. */
export class UnitRunner {
  private readonly open = new Map<string, OpenDataset>();

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
    options: { readonly signal: AbortSignal; readonly onProgress: (done: number) => void },
  ): Promise<{ ok: number; failed: number }> {
    const { dataset, images, split, tasks } = await this.dataset(unit.dataset);
    const task = tasks.get(unit.task) ?? buildTask(dataset, unit.task, this.rule(unit.task));
    tasks.set(unit.task, task);
    const features = await openFeatureStore(unit.featureStore);
    const inputs = { dataset, task, split, images, features, threads: this.shard.threads };
    const outcomes = await trainHeads(inputs, unit.trials, options);
    const rows: LedgerRow[] = [];
    for (const outcome of outcomes) rows.push(await this.row(outcome, task, attempt));
    await this.predictions.flush();
    await this.ledger.appendAll(rows);
    const ok = rows.filter((row) => row.status === 'ok').length;
    return { ok, failed: rows.length - ok };
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
      split: splitOf({ dataset, config: entry }, images),
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

  private async row(outcome: TrialOutcome, task: Task, attempt: number): Promise<LedgerRow> {
    const base = {
      trial: trialId(outcome.spec),
      spec: outcome.spec,
      attempt,
      worker: this.ledger.worker,
      host: hostname(),
      finishedAt: new Date().toISOString(),
      versions: this.versions,
    };
    if (outcome.status === 'failed') return { ...base, status: 'failed', error: outcome.error };
    const half = new Uint16Array(outcome.testLogits.length);
    await addon().convertToHalf(outcome.testLogits, half);
    const place = await this.predictions.append(new Uint8Array(half.buffer));
    const outputs = task.outputNames.length;
    const predictions = { ...place, rows: half.length / outputs, outputs };
    return { ...base, status: 'ok', result: { ...outcome.result, predictions } };
  }
}
