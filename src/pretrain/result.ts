import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';
import { imagesSeen } from '../execute/seen-data.js';
import { currentVersions } from '../execute/versions.js';
import type { ModelCard } from '../model/card.js';
import { writeOnnx } from '../model/onnx-write.js';
import { type CardWithoutFile, registerClaimed } from '../model/registry/register.js';
import { trainedGraph } from '../model/trained.js';
import type { NetworkHistory } from '../train/network-training.js';
import { type TrialResult, trialId } from '../train/trial.js';
import { recordedCurve } from '../train/trial-record.js';
import type { PretrainConfig } from './config.js';
import type { PretrainParts } from './open.js';

/** Where the parts of a pretrained model lie. */
export interface PretrainedFiles {
  readonly card: string;
  readonly network: string;
  /** Settings, curves and metrics of its training. */
  readonly training: string;
  /** While the training has not ended. */
  readonly checkpoint: string;
}

export function pretrainedFiles({ out, name }: Pick<PretrainConfig, 'out' | 'name'>): PretrainedFiles {
  const file = (ending: string) => join(out, `${name}.${ending}`);
  return {
    card: file('json'),
    network: file('onnx'),
    training: file('training.json'),
    checkpoint: file('checkpoint'),
  };
}

/** Whether an earlier call has finished this training. Throws CONFIG when the name is another model's. */
export async function finishedEarlier(files: PretrainedFiles, trial: string): Promise<boolean> {
  if ((await textOf(files.card)) === undefined) return false;
  const training = await textOf(files.training);
  if (training !== undefined && trialOfRecord(training) === trial) return true;
  throw new ThawError('CONFIG', 'there is a model of this name that was trained otherwise.', {
    file: files.card,
    hint: 'Give this one another `name`; --restart replaces the other.',
  });
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw ioError(cause, path, 'read');
  });
}

function trialOfRecord(text: string): unknown {
  try {
    return (JSON.parse(text) as { trial?: unknown }).trial;
  } catch {
    return undefined;
  }
}

export interface TrainedResult extends Pick<TrialResult, 'validation' | 'test'> {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly history: NetworkHistory;
  readonly threads: number;
}

/**
 * Writes the record of the training and registers the model, in the place of one that there may be: the caller holds the claim on
 * it. Throws IO, MODEL.
 */
export async function writePretrained(
  parts: PretrainParts,
  config: PretrainConfig,
  result: TrainedResult,
): Promise<ModelCard> {
  const { spec, model, task, side } = parts;
  const files = pretrainedFiles(config);
  const graph = trainedGraph(
    model,
    { kind: 'network', parameters: result.weights },
    { size: side, outputs: task.outputNames.length, cut: spec.cut },
  );
  await rm(files.card, { force: true });
  await writeFileAtomic(files.training, `${JSON.stringify(recordOf(parts, config, result), null, 2)}\n`);
  const weights = { bytes: writeOnnx(graph), extension: '.onnx' };
  const { card } = await registerClaimed({ card: cardOf(parts, config), weights }, config.out);
  return card;
}

function cardOf(
  { spec, model, task, opened, side }: PretrainParts,
  { name, output, file }: PretrainConfig,
): CardWithoutFile {
  const { pretraining, site, license, citation } = output;
  const seen = new Set([...(model.card.trainedOn ?? []), ...(output.trainedOn ?? imagesSeen(opened))]);
  const { thaw } = currentVersions();
  return {
    name,
    pretraining,
    architecture: model.card.architecture,
    input: { ...model.card.input, size: side },
    ...(seen.size === 0 ? {} : { trainedOn: [...seen] }),
    ...(site === undefined ? {} : { site }),
    labels: task.outputNames,
    ...(license === undefined ? {} : { license }),
    ...(citation === undefined ? {} : { citation }),
    origin: `thaw pretrain ${basename(file)}, training ${trialId(spec)}, thaw ${thaw}`,
  };
}

/** What `<name>.training.json` holds. */
function recordOf(
  { spec, trial, opened, inputs, task, model }: PretrainParts,
  { name, file }: PretrainConfig,
  { history, validation, test, threads }: TrainedResult,
) {
  const { trainSeconds, validateSeconds } = history;
  const epochs = history.trainLoss.length;
  return {
    name,
    config: basename(file),
    trial: trialId(spec),
    spec,
    startedFrom: { name: model.card.name, fingerprint: model.fingerprint },
    data: {
      split: inputs.split.method,
      trainImages: trial.subset.images,
      trainPatients: trial.subset.patients,
      validationImages: trial.validationRows.length,
      notes: opened.dataset.notes,
    },
    labels: task.outputNames,
    epochs,
    bestEpoch: history.bestEpoch,
    curves: {
      trainLoss: recordedCurve(history.trainLoss),
      validationLoss: recordedCurve(history.validationLoss),
      validationAuroc: recordedCurve(history.validationAuroc),
    },
    validation,
    test,
    trainSeconds,
    validateSeconds,
    trainImagesPerSecond: (epochs * trial.subset.rows.length) / trainSeconds,
    threads,
    versions: currentVersions(),
  };
}
