import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaimSeeker } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import { canonicalJson } from '../base/hash.js';
import type { Progress } from '../base/progress.js';
import type { Network } from '../engine/network.js';
import type { ModelCard } from '../model/card.js';
import { readCard } from '../model/registry.js';
import { evaluateTrial } from '../train/evaluate-trial.js';
import { openNetwork } from '../train/network-setup.js';
import {
  type EpochsDone,
  type NetworkHistory,
  NOTHING_DONE,
  trainEpochs,
} from '../train/network-training.js';
import { nonFinite } from '../train/outcome.js';
import { type TrialSpec, trialId } from '../train/trial.js';
import { rowsOf } from '../train/trial-rows.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { PretrainConfig } from './config.js';
import { EpochReport } from './epoch-report.js';
import { openParts, type PretrainParts } from './open.js';
import { type BegunPass, NetworkInParts } from './parts.js';
import { finishedEarlier, type PretrainedFiles, pretrainedFiles, writePretrained } from './result.js';

export interface PretrainOptions {
  readonly threads: number;
  /** Throws away a checkpoint and a result of the same name. */
  readonly restart: boolean;
  /** Between two checkpoints within an epoch; each epoch ends with one anyhow. */
  readonly checkpointSeconds: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Between two looks at `signal`; 2 where left out. */
  readonly secondsPerPart?: number;
}

export interface Pretrained {
  readonly files: PretrainedFiles;
  readonly card: ModelCard;
  /** Absent where an earlier call had finished it. */
  readonly history?: NetworkHistory;
}

/**
 * Trains a source as its config says and writes it as ONNX with its card; goes on from the checkpoint of an earlier call, bit for bit
 * with as many threads. Throws CONFIG for a checkpoint or a model of the name that was trained otherwise, BUSY while another
 * process is at it, NON_FINITE, ABORTED with everything kept, and what opening data and source throws.
 */
export async function pretrain(config: PretrainConfig, options: PretrainOptions): Promise<Pretrained> {
  const files = pretrainedFiles(config);
  await mkdir(config.out, { recursive: true });
  const claim = new ClaimSeeker(join(config.out, config.name)).seek();
  if (claim === undefined)
    throw new ThawError('BUSY', 'another process is training a model of this name.', { file: files.card });
  try {
    const parts = await openParts(config, options);
    if (options.restart) await rm(files.checkpoint, { force: true });
    // A checkpoint beside a finished model is of a training that is to replace it.
    else if (!existsSync(files.checkpoint) && (await finishedEarlier(files, trialId(parts.spec))))
      return { files, card: await readCard(files.card) };
    const trained = await train(parts, files, config, options);
    await rm(files.checkpoint, { force: true });
    return { files, ...trained };
  } finally {
    claim.release();
  }
}

async function train(
  parts: PretrainParts,
  files: PretrainedFiles,
  config: PretrainConfig,
  options: PretrainOptions,
): Promise<{ card: ModelCard; history: NetworkHistory }> {
  const { spec, trial, inputs } = parts;
  await using network = openNetwork(inputs, spec, trial);
  const resumed = await resumedFrom(files, spec, options);
  if (resumed !== undefined) await restore(network, resumed, files);
  const report = new EpochReport(options.progress, spec, trial.subset.rows.length, resumed);
  const { threads } = options;
  try {
    const history = await trainWithCheckpoints(network, parts, files, { ...options, resumed, report });
    const sets = await evaluate(network, parts, history, options.signal);
    const result = { ...sets, weights: network.weights(), history, threads };
    return { card: await writePretrained(parts, config, result), history };
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'NON_FINITE') throw error;
    throw new ThawError('NON_FINITE', nonFinite(spec, network.steps).error.message, { cause: error });
  } finally {
    report.finish();
  }
}

async function restore(network: Network, { snapshot }: Checkpoint, files: PretrainedFiles): Promise<void> {
  try {
    await network.restore(snapshot);
  } catch (cause) {
    throw new ThawError('RUNTIME', 'the checkpoint does not fit this version of thaw.', {
      file: files.checkpoint,
      hint: 'Go on with the version that it is of, or begin the training anew with --restart.',
      cause,
    });
  }
}

interface Kept {
  readonly resumed: Checkpoint | undefined;
  readonly report: EpochReport;
}

/** All epochs that are left, with a checkpoint after each, within long ones, and when the signal stops it. */
async function trainWithCheckpoints(
  network: Network,
  { spec, trial, task }: PretrainParts,
  files: PretrainedFiles,
  options: PretrainOptions & Kept,
): Promise<NetworkHistory> {
  const { threads, signal, resumed, report } = options;
  let done: EpochsDone = resumed?.done ?? NOTHING_DONE;
  let begun: BegunPass | undefined = resumed?.begun;
  let kept = performance.now();
  const keep = async () => {
    await writeCheckpoint(files.checkpoint, {
      spec: { ...spec },
      threads,
      done,
      begun,
      snapshot: await network.snapshot(),
    });
    kept = performance.now();
  };
  const divided = new NetworkInParts(network, {
    batch: spec.batch,
    begun,
    secondsPerPart: options.secondsPerPart ?? 2,
    signal,
    onPart: async (pass, images) => {
      begun = pass;
      report.images(images);
      if (performance.now() - kept >= options.checkpointSeconds * 1000) await keep();
    },
  });
  const onEpoch = async (epochs: EpochsDone) => {
    [done, begun] = [epochs, undefined];
    report.epoch(done);
    await keep();
  };
  try {
    return await trainEpochs(divided, task, spec, trial, { signal, resumed: done, onEpoch });
  } catch (error) {
    if (error instanceof ThawError && error.code === 'ABORTED') await keep();
    throw error;
  }
}

/** The checkpoint of this training. Throws CONFIG for one of another training, naming what differs. */
async function resumedFrom(
  files: PretrainedFiles,
  spec: TrialSpec,
  { threads, progress }: Pick<PretrainOptions, 'threads' | 'progress'>,
): Promise<Checkpoint | undefined> {
  const checkpoint = await readCheckpoint(files.checkpoint);
  if (checkpoint === undefined) return undefined;
  const changed = changes(checkpoint.spec, spec);
  if (changed.length > 0)
    throw new ThawError(
      'CONFIG',
      `a training of this name was begun with other settings (${changed.join(', ')}).`,
      {
        file: files.checkpoint,
        hint: 'Go on with the config as it was, give this one another `name`, or begin anew with --restart.',
      },
    );
  if (checkpoint.threads !== threads)
    progress.note(
      `begun with ${checkpoint.threads} threads, goes on with ${threads}: the last bits of the weights will differ`,
    );
  return checkpoint;
}

/** Names of the settings in which two trials differ. */
function changes(before: Readonly<Record<string, unknown>>, now: TrialSpec): string[] {
  const flat = ({ network, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
    ...rest,
    ...(network as object | undefined),
  });
  const [old, own] = [flat(before), flat({ ...now })];
  const text = (value: unknown) => (value === undefined ? '' : canonicalJson(value));
  return [...new Set([...Object.keys(old), ...Object.keys(own)])].filter(
    (key) => text(old[key]) !== text(own[key]),
  );
}

/** Metrics on validation and test images of the best epoch. */
async function evaluate(
  network: Network,
  { task, trial, inputs }: PretrainParts,
  { validationLogits }: NetworkHistory,
  signal: AbortSignal,
) {
  const testRows = rowsOf(task, inputs.split.test);
  return evaluateTrial(task, {
    validation: validationLogits,
    validationRows: trial.validationRows,
    test: await network.infer(testRows, { signal }),
    testRows,
  });
}
