import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { ThawError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { NO_AUGMENT } from '../engine/augment.js';
import { augmentedSide } from '../features/view.js';
import type { Graph } from '../model/graph.js';
import { writeOnnx } from '../model/onnx-write.js';
import { renamed } from '../model/rename.js';
import { trainedGraph } from '../model/trained.js';
import { publishedTensors } from '../model/weights/published.js';
import { writeSafetensors } from '../model/weights/safetensors-write.js';
import { type ExportedModel, exportedMetadata } from '../predict/exported-model.js';
import { ImageNetwork, inputSide } from '../predict/network.js';
import type { OkRow } from '../sweep/ledger.js';
import { readPredictions, withinHalf } from '../sweep/predictions.js';
import { trainsNetwork } from '../sweep/strategy.js';
import { viewsOf } from '../train/test-views.js';
import { foldsOf } from '../train/validation.js';
import { type RetrainedTrial, type RetrainOptions, retrain } from './retrain.js';
import { thawVersion } from './versions.js';

/** Test logits may differ from those that the sweep recorded, and the written network's from these, by this part of 1 + |logit|. */
export const TOLERANCE = { recorded: 0.01, written: 1e-3 } as const;
/** Test images that the written network is tried on. */
const TRIED = 32;
/** What rounding to float16 changes: 11 significant bits. */
export const HALF_ROUNDING = 2 ** -11;

export interface ExportOptions extends RetrainOptions {
  /** `.onnx`, or `.safetensors` for the weights alone. */
  readonly out: string;
  /** Writes although the trial did not come out as it was recorded. */
  readonly force: boolean;
}

export interface ExportOutcome {
  readonly file: string;
  readonly bytes: number;
  readonly exported: ExportedModel;
  /** Largest difference of a test logit from the recorded one (float16), in parts of 1 + |logit|. */
  readonly fromRecorded: number;
  /** The same of the written network from the trained one, on the first test images. */
  readonly fromTrained: number;
  /** Macro AUROC on the test set: recorded, and of the training for this export. */
  readonly testAuroc: { readonly recorded: number | null; readonly now: number | null };
}

/**
 * Writes the trained network of a trial to a file: ONNX of opset 17, from normalised images [N, C, H, W] to logits [N, outputs],
 * with everything else that a prediction needs in its metadata (`ExportedModel`); or its tensors under the names of the published
 * weights of its architecture. A sweep keeps no weights, so the trial is trained again (`retrain`). Its test logits are compared
 * with the recorded ones, and the written network's with its own. Of a cross-validated trial the heads become their mean; networks
 * cannot: CONFIG. Throws RUNTIME when logits differ (but for `force`), MODEL for an architecture without published names, and as
 * `retrain` does.
 */
export async function exportTrial(run: string, row: OkRow, options: ExportOptions): Promise<ExportOutcome> {
  const format = formatOf(options.out);
  checkIsOneNetwork(row);
  const trained = await retrain(run, row, options);
  const fromRecorded = largestDifference(
    withinHalf(trained.outcome.testLogits),
    await readPredictions(run, row.result.predictions),
  );
  if (!(fromRecorded <= TOLERANCE.recorded) && !options.force)
    throw notReproduced(row, trained, fromRecorded);
  const exported = describe(row, trained);
  const graph = networkOf(row, trained, exported);
  const bytes = format === 'onnx' ? onnxBytes(graph, exported) : tensorBytes(graph, exported);
  const fromTrained = await tryOut(graph, trained, exported, options);
  await writeFileAtomic(options.out, bytes);
  return {
    file: options.out,
    bytes: bytes.byteLength,
    exported,
    fromRecorded,
    fromTrained,
    testAuroc: { recorded: row.result.test.auroc, now: trained.outcome.result.test.auroc },
  };
}

function formatOf(out: string): 'onnx' | 'safetensors' {
  const extension = extname(out).toLowerCase();
  if (extension === '.onnx' || extension === '.safetensors')
    return extension.slice(1) as 'onnx' | 'safetensors';
  throw new ThawError('CONFIG', `expected a name that ends in .onnx or .safetensors, received '${out}'.`, {
    node: '--out',
  });
}

/** The mean of heads' logits is that of one head; the mean of networks' is not that of any network. */
function checkIsOneNetwork({ spec, trial }: OkRow): void {
  const folds = foldsOf(spec.validation);
  if (folds === undefined || !trainsNetwork(spec.strategy)) return;
  throw new ThawError(
    'CONFIG',
    `the trial is the mean of ${folds} networks, one a fold (\`validation: ${spec.validation}\`), not one that could be written.`,
    {
      node: trial,
      hint: "Run the same trial with `validation: full` and export that, or choose among others: --best --filter 'validation=full'.",
    },
  );
}

function describe(row: OkRow, { config, model, task, images, outcome }: RetrainedTrial): ExportedModel {
  const { spec, result } = row;
  const { card } = model;
  const { size: _, ...input } = card.input;
  const augment = spec.network?.augment ?? 'none';
  return {
    format: 1,
    kind: task.kind,
    task: spec.task,
    labels: task.outputNames,
    thresholds: outcome.result.test.labels.map(({ threshold }) => threshold),
    images: images.index.layout,
    input,
    augment: augment === 'none' ? NO_AUGMENT : augment,
    views: viewsOf(spec),
    provenance: {
      run: config.name,
      trial: row.trial,
      spec: { ...spec },
      trainImages: result.trainImages,
      trainPatients: result.trainPatients,
      validationAuroc: result.validation.auroc,
      testAuroc: result.test.auroc,
      ...(row.seenData === undefined ? {} : { seenData: row.seenData }),
      source: {
        name: card.name,
        pretraining: card.pretraining,
        architecture: card.architecture,
        license: card.license,
        citation: card.citation,
        origin: card.origin,
      },
      thaw: thawVersion(),
    },
  };
}

function networkOf(
  { spec }: OkRow,
  { model, weights, task }: RetrainedTrial,
  exported: ExportedModel,
): Graph {
  const size = augmentedSide(exported.augment, exported.images.size);
  return trainedGraph(model, weights, { size, outputs: task.outputNames.length, cut: spec.cut });
}

function onnxBytes(graph: Graph, exported: ExportedModel): Uint8Array {
  const sides = new Set(exported.views.map((view) => inputSide(view, exported)));
  const own = graph.inputShape[1] ?? 0;
  return writeOnnx(renamed(graph, { input: 'images', output: 'logits', weights: 'kept' }), {
    opset: 17,
    metadata: exportedMetadata(exported),
    openSize: sides.size > 1 || !sides.has(own),
  });
}

function tensorBytes(graph: Graph, exported: ExportedModel): Uint8Array {
  const tensors = publishedTensors(graph, exported.provenance.source.architecture);
  // PyTorch's loaders look for the format.
  return writeSafetensors(tensors, { format: 'pt', ...exportedMetadata(exported) });
}

/** How far the written network is from the trained one on test images. Throws RUNTIME where it is another one. */
async function tryOut(
  graph: Graph,
  { images, testRows, outcome, model }: RetrainedTrial,
  exported: ExportedModel,
  { extractor, out }: ExportOptions,
): Promise<number> {
  const rows = testRows.slice(0, TRIED);
  const session = { device: 'cpu', extractor, threads: availableParallelism() } as const;
  await using network = await ImageNetwork.open({ graph, reading: exported, file: out }, session);
  const logits = await network.run({ dataPath: images.dataPath, rows: images.index.rows }, rows);
  const difference = largestDifference(logits, outcome.testLogits.subarray(0, logits.length));
  const { featureDtype, network: settings } = outcome.spec;
  // What was computed in 16 bits is written in 32: the numbers are not the same.
  const isExact = featureDtype === 'float32' && settings?.precision !== 'bf16';
  if (!isExact || difference <= TOLERANCE.written) return difference;
  throw new ThawError(
    'RUNTIME',
    `the written network's logits differ from the trained one's by ${difference.toPrecision(2)} of their size.`,
    {
      file: out,
      node: model.card.name,
      hint: 'This is a fault of thaw or of this machine; nothing was written.',
    },
  );
}

/** Largest |a − b| / (1 + |b|); infinite where one is no number or the lengths differ. */
function largestDifference(received: Float32Array, expected: Float32Array): number {
  if (received.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(received[index]! - expected[index]!) / (1 + Math.abs(expected[index]!));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

function notReproduced(row: OkRow, { outcome }: RetrainedTrial, difference: number): ThawError {
  const { host, threads, versions } = row;
  const then = [
    `on ${host}`,
    threads === undefined ? [] : `${threads} threads`,
    versions.instructionSet,
    `thaw ${versions.thaw}`,
  ];
  const auroc = (value: number | null) => value?.toFixed(3) ?? 'undefined';
  return new ThawError(
    'RUNTIME',
    `the trial came out otherwise than it was recorded: test logits differ by up to ${difference.toPrecision(2)} of their size, test AUROC ${auroc(outcome.result.test.auroc)} now and ${auroc(row.result.test.auroc)} then.`,
    {
      node: row.trial,
      hint: `It was trained ${then.flat().join(', ')}; long trainings differ between kinds of machine. --force writes the network of now.`,
    },
  );
}
