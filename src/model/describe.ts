import { stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { sha256File } from '../base/hash.js';
import type { ModelCard, ModelInput } from './card.js';
import { findCuts } from './cut.js';
import { dominatorChain } from './dominators.js';
import type { Graph, Shape } from './graph.js';
import { SUPPORTED_OPERATORS } from './onnx-operators.js';
import { convertOnnx, type OnnxFile, type OnnxPort, openOnnx } from './onnx-read.js';
import { loadModel, readCard } from './registry.js';
import { countMultiplyAdds, countParameters, product } from './shapes.js';
import { findStages, type TrunkOptions } from './stages.js';
import {
  listWeights,
  unreadable,
  WEIGHT_EXTENSIONS,
  type WeightFormat,
  weightFormat,
} from './weights/read.js';

export interface StageDescription {
  readonly name: string;
  readonly output: string;
  readonly shape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** A graph in numbers; shapes and multiply-adds are for one image of `inputShape`. */
export interface GraphDescription {
  readonly inputShape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly stages: readonly StageDescription[];
  readonly cuts: readonly { readonly name: string; readonly tensor: string; readonly shape: Shape }[];
  /** Tensors that every path from input to output passes through, in order. */
  readonly dominators: readonly string[];
}

/** What `thaw models inspect` shows. */
export interface ModelDescription {
  readonly format: 'onnx' | WeightFormat | 'random';
  readonly file?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly card?: ModelCard;
  /** Lowest and highest value of each input channel, for pixels 0 and 255, as the card's scale, mean and std make them. */
  readonly inputRange?: readonly { readonly channel: string; readonly from: number; readonly to: number }[];
  readonly fingerprint?: string;
  readonly opset?: number;
  readonly producer?: string;
  readonly inputs?: readonly OnnxPort[];
  readonly outputs?: readonly OnnxPort[];
  /** How many nodes there are of each operator, as the file (ONNX) or the graph names them. */
  readonly operators: Readonly<Record<string, number>>;
  readonly unsupportedOperators: readonly string[];
  /** Absent where the file alone does not make a network (weight files) or cannot be used (`problem`). */
  readonly graph?: GraphDescription;
  /** Tensors of a weight file that was handed in without a card. */
  readonly tensors?: readonly { readonly name: string; readonly type: string; readonly shape: Shape }[];
  readonly notes: readonly string[];
  /** Why the file cannot be used as a source, in words. */
  readonly problem?: string;
}

export interface DescribeOptions {
  /** What the card's file is relative to, when a card is handed in itself. */
  readonly folder?: string;
  /** Input size where an `.onnx` file leaves it open; 224 by default. */
  readonly size?: number;
}

/**
 * Describes an `.onnx`, a weight file or a card `.json`, or a card. A file that is whole but cannot be used as a source
 * is described as far as possible, with the reason in `problem`; a broken file or card is thrown as `loadModel` does.
 */
export async function describeModel(
  target: string | ModelCard,
  options: DescribeOptions = {},
): Promise<ModelDescription> {
  if (typeof target !== 'string') return describeCard(target, options.folder ?? '.');
  switch (extname(target).toLowerCase()) {
    case '.json':
      return describeCard(await readCard(target), dirname(target));
    case '.onnx':
      return describeOnnx(target, options.size ?? 224);
  }
  const format = weightFormat(target);
  if (format === undefined) throw unreadable(target, ['.onnx', ...WEIGHT_EXTENSIONS, 'card .json']);
  return describeWeights(target, format);
}

async function describeCard(card: ModelCard, folder: string): Promise<ModelDescription> {
  const model = await loadModel(card, { folder });
  const path = card.file === undefined ? undefined : resolve(folder, card.file);
  const onnx =
    path !== undefined && extname(path).toLowerCase() === '.onnx' ? await openOnnx(path) : undefined;
  return {
    format: path === undefined ? 'random' : (weightFormat(path) ?? 'onnx'),
    card,
    inputRange: inputRange(card.input),
    fingerprint: model.fingerprint,
    ...(path === undefined ? {} : await fileFacts(path)),
    ...(onnx === undefined ? {} : onnxFacts(onnx)),
    operators: onnx === undefined ? countBy(model.graph.nodes.map(({ op }) => op)) : operatorsOf(onnx),
    unsupportedOperators: [],
    graph: describeGraph(model.graph, { featureTensor: card.featureTensor }),
    notes: model.notes,
  };
}

function inputRange({ channels, order, scale, mean, std }: ModelInput) {
  const names = channels === 1 ? ['grey'] : [...order];
  const value = (pixel: number, index: number) => (pixel * scale - mean[index]!) / std[index]!;
  return names.map((channel, index) => ({ channel, from: value(0, index), to: value(255, index) }));
}

async function describeOnnx(path: string, size: number): Promise<ModelDescription> {
  const file = await openOnnx(path);
  const operators = operatorsOf(file);
  const facts = {
    format: 'onnx' as const,
    ...(await fileFacts(path)),
    ...onnxFacts(file),
    operators,
    unsupportedOperators: Object.keys(operators).filter((op) => !SUPPORTED_OPERATORS.includes(op)),
  };
  try {
    const { graph, notes } = await convertOnnx(file, { inputSize: size });
    const open = file.inputs[0]?.shape.slice(2).some((length) => typeof length === 'string') === true;
    const allNotes = open
      ? [...notes, `the file leaves the input size open; shapes are for ${size}×${size}`]
      : notes;
    return { ...facts, graph: describeGraph(graph), notes: allNotes };
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return { ...facts, notes: [], problem: error.message };
  }
}

async function describeWeights(path: string, format: WeightFormat): Promise<ModelDescription> {
  const entries = await listWeights(path, format);
  const count = entries.reduce((total, { shape }) => total + product(shape), 0);
  return {
    format,
    ...(await fileFacts(path)),
    operators: {},
    unsupportedOperators: [],
    tensors: entries.map(({ name, type, shape }) => ({ name, type, shape })),
    notes: [
      `${entries.length} tensors with ${count} numbers; a model card says which network they belong to`,
    ],
  };
}

function describeGraph(graph: Graph, options: TrunkOptions = {}): GraphDescription {
  return {
    inputShape: graph.inputShape,
    parameters: countParameters(graph),
    multiplyAdds: countMultiplyAdds(graph),
    stages: findStages(graph, options).map(({ name, output, shape, nodes }) => ({
      name,
      output,
      shape,
      parameters: countParameters(graph, nodes),
      multiplyAdds: countMultiplyAdds(graph, graph.inputShape, nodes),
    })),
    cuts: findCuts(graph, options).map(({ name, tensor, shape }) => ({ name, tensor, shape })),
    dominators: dominatorChain(graph),
  };
}

async function fileFacts(path: string): Promise<{ file: string; bytes: number; sha256: string }> {
  try {
    return { file: path, bytes: (await stat(path)).size, sha256: await sha256File(path) };
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
}

function onnxFacts({ opset, producer, inputs, outputs }: OnnxFile) {
  return { opset, producer, inputs, outputs };
}

function operatorsOf(file: OnnxFile): Record<string, number> {
  return countBy(file.nodes.map(({ op }) => op));
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
