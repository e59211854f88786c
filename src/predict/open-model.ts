import { access } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { NO_AUGMENT } from '../engine/augment.js';
import type { ImageLayout } from '../image/geometry.js';
import { type Graph, parameterNames } from '../model/graph.js';
import { convertOnnx, openOnnx } from '../model/onnx-read.js';
import { loadModel, readCard } from '../model/registry.js';
import { findTrunk, imageShapes, nodesBefore } from '../model/stages.js';
import {
  type ExportedModel,
  type ImageReading,
  type OutputKind,
  readExportedModel,
} from './exported-model.js';
import { inputSide } from './network.js';

/** A network with how it reads images. */
export interface PredictingModel {
  readonly file: string;
  /** Ends in logits [outputs]. */
  readonly graph: Graph;
  readonly reading: ImageReading;
  /** Absent for a network that was not exported from a trial. */
  readonly exported?: ExportedModel;
}

export interface OpenModelOptions {
  /** For a model with a card, which do not say these; `kind` is needed where the network ends in plain numbers. */
  readonly kind?: OutputKind | undefined;
  readonly geometry?: ImageLayout['geometry'] | undefined;
}

/**
 * Opens what `thaw models export` wrote, or a model card `.json` (also that beside an `.onnx`, by the same name). Throws IO,
 * MODEL for a network without classifier or that cannot be read, CONFIG where something has to be said that no file says.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<PredictingModel> {
  const extension = extname(path).toLowerCase();
  if (extension === '.json') return openCard(path, options);
  if (extension !== '.onnx')
    throw new ThawError('MODEL', `expected an .onnx file or a model card .json, received "${extension}".`, {
      file: path,
      hint:
        extension === '.safetensors'
          ? 'Weights alone have no layers: export the trial as .onnx.'
          : '`thaw models list` shows registered models by name; see docs/predict.md.',
    });
  const file = await openOnnx(path);
  const exported = readExportedModel(file.metadata, path);
  if (exported !== undefined) {
    const size = inputSide(exported.views[0]!, exported);
    const { graph } = await convertOnnx(file, { inputSize: size });
    expectOutputs(graph, exported.labels.length, path);
    return { file: path, graph, reading: exported, exported };
  }
  const card = path.replace(/\.onnx$/i, '.json');
  const found = await access(card).then(
    () => true,
    () => false,
  );
  if (found) return openCard(card, options, path);
  throw new ThawError('MODEL', 'says nothing about how it wants its pixels.', {
    file: path,
    hint: 'Name its model card instead (docs/models.md), or export a trial with `thaw models export`.',
  });
}

/** `expected`: the file that the card is to be of. */
async function openCard(
  path: string,
  options: OpenModelOptions,
  expected?: string,
): Promise<PredictingModel> {
  const card = await readCard(path);
  if (expected !== undefined && resolve(dirname(path), card.file ?? '') !== resolve(expected))
    throw new ThawError(
      'MODEL',
      `the card beside it, ${path}, is that of ${card.file ?? 'random weights'}.`,
      {
        file: expected,
        hint: 'Name the card that belongs to it.',
      },
    );
  const { graph: whole } = await loadModel(card, { folder: dirname(path) });
  const { graph, activation } = withoutActivation(whole);
  const shape = imageShapes(graph).get(graph.output) ?? [];
  if (shape.length !== 1 || !classifies(graph, card.featureTensor))
    throw new ThawError(
      'MODEL',
      'expected a network that ends in a classifier, received one that ends in features.',
      {
        file: path,
        node: graph.output,
        hint: 'Train a head on it with `thaw sweep`, and export that.',
      },
    );
  const outputs = shape[0] ?? 0;
  const labels = card.labels ?? Array.from({ length: outputs }, (_, output) => `output${output}`);
  if (labels.length !== outputs)
    throw new ThawError('MODEL', `the card has ${labels.length} labels, the network ${outputs} outputs.`, {
      file: path,
      node: 'labels',
    });
  const { size: _, ...input } = card.input;
  return {
    file: path,
    graph,
    reading: {
      kind: kindOf(activation, options.kind, path),
      labels,
      images: {
        size: card.input.size,
        geometry: options.geometry ?? 'fill',
        channels: input.channels,
      },
      input,
      augment: NO_AUGMENT,
      views: ['identity'],
    },
  };
}

/** The same without a last sigmoid or softmax: what they make of the logits is made later. */
function withoutActivation(graph: Graph): { graph: Graph; activation: 'sigmoid' | 'softmax' | undefined } {
  const last = graph.nodes.find(({ output }) => output === graph.output);
  if (last?.op !== 'sigmoid' && last?.op !== 'softmax') return { graph, activation: undefined };
  const nodes = graph.nodes.filter((node) => node !== last);
  return { graph: { ...graph, output: last.inputs[0]!, nodes }, activation: last.op };
}

/** Whether layers with weights follow the backbone. */
function classifies(graph: Graph, featureTensor: string | undefined): boolean {
  const backbone = new Set(nodesBefore(graph, findTrunk(graph, { featureTensor }).end));
  return graph.nodes.some((node) => !backbone.has(node) && parameterNames(node).length > 0);
}

function kindOf(
  activation: 'sigmoid' | 'softmax' | undefined,
  kind: OutputKind | undefined,
  file: string,
): OutputKind {
  const own = activation === 'softmax' ? 'multiclass' : activation === 'sigmoid' ? 'multilabel' : undefined;
  const chosen = kind ?? own;
  if (chosen === undefined)
    throw new ThawError('CONFIG', 'nothing says how its outputs become probabilities.', {
      file,
      node: '--kind',
      hint: '`--kind multiclass` for a softmax over all outputs, `--kind multilabel` for a sigmoid of each.',
    });
  if (own !== undefined && (own === 'multiclass') !== (chosen === 'multiclass'))
    throw new ThawError(
      'CONFIG',
      `expected ${own}, as the network ends in a ${activation}, received ${kind}.`,
      {
        file,
        node: '--kind',
      },
    );
  return chosen;
}

function expectOutputs(graph: Graph, outputs: number, file: string): void {
  const shape = imageShapes(graph).get(graph.output) ?? [];
  if (shape.length === 1 && shape[0] === outputs) return;
  throw new ThawError('MODEL', `expected ${outputs} outputs, one a label, received [${shape.join(', ')}].`, {
    file,
    node: graph.output,
  });
}
