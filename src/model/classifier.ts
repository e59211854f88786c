import { RandomStream, STREAM } from '../base/random.js';
import { findCut, POOLED, prefixOf, suffixOf } from './cut.js';
import { requireDenseLayers, withDropoutBehind } from './dense-dropout.js';
import { type Graph, type Node, type Parameter, usedParameters } from './graph.js';
import type { LoadedModel } from './registry.js';
import { poolBeforePointwise } from './simplify.js';
import { findStages, imageShapes, type Stage } from './stages.js';

export interface ClassifierOptions {
  /** Height and width of the images. */
  readonly size: number;
  /** The network begins behind this cut; at the image where it is left out. */
  readonly cut?: string | undefined;
  readonly outputs: number;
  /** Probability that a pooled feature is dropped in training; 0 leaves the layer out. */
  readonly dropout: number;
  /** Probability that a number which a layer of a dense block adds is dropped in training; absent = no such dropout. */
  readonly denseDropout?: number | undefined;
  /** Of the new classifier's initial weights. */
  readonly seed: number;
}

/** A network ready for training, and its layers in groups that are frozen and unfrozen together. */
export interface ClassifyingNetwork {
  readonly graph: Graph;
  readonly stages: readonly Pick<Stage, 'name' | 'nodes'>[];
}

const HEAD = 'head';

/**
 * The backbone of a source up to its pooled vector [F], with a new linear classifier [outputs] in the place of its own. The
 * stages are those of the source (behind the cut), then `head` with pooling, dropout and classifier. Throws MODEL for a cut
 * that the network does not have or a size that it does not take, CONFIG for dense dropout in a network without dense blocks.
 */
export function withClassifier(
  { graph, card }: Pick<LoadedModel, 'graph' | 'card'>,
  options: ClassifierOptions,
): ClassifyingNetwork {
  const inputShape = [card.input.channels, options.size, options.size];
  const trunk = { inputShape, featureTensor: card.featureTensor };
  const backbone = prefixOf(graph, POOLED, trunk);
  const stages = findStages(graph, trunk).filter(({ name }) => name !== HEAD);
  const { cut, denseDropout } = options;
  const dense = denseDropout === undefined ? undefined : requireDenseLayers(backbone, card.name);
  const begun =
    cut === undefined
      ? backbone
      : cut === POOLED
        ? nothingBehind(backbone, trunk.inputShape)
        : suffixOf(backbone, findCut(graph, cut, trunk));
  const network = addClassifier(poolBeforePointwise(begun), options);
  const made = { graph: network, stages: stagesOf(network, stages) };
  return dense === undefined ? made : withDropoutBehind(made, dense, denseDropout!);
}

/** What is left behind the pooled vector: its input is its output. */
function nothingBehind(backbone: Graph, inputShape: readonly number[]): Graph {
  const shape = imageShapes(backbone, inputShape).get(backbone.output) ?? [];
  const { name, output } = backbone;
  return { name, input: output, inputShape: shape, output, nodes: [], parameters: new Map() };
}

/** Appends dropout and a linear layer that starts as torch.nn.Linear and as the heads of a head bank do: U(−1/√F, 1/√F). */
function addClassifier(graph: Graph, { outputs, dropout, seed }: ClassifierOptions): Graph {
  const [features = 0] = imageShapes(graph).get(graph.output) ?? [];
  const name = `${graph.output}/classifier`;
  const random = new RandomStream(seed, STREAM.initialWeights);
  const bound = 1 / Math.sqrt(features);
  const drawn = (shape: readonly number[]): Parameter => {
    const length = shape.reduce((product, part) => product * part, 1);
    return { shape, data: Float32Array.from({ length }, () => (2 * random.uniform() - 1) * bound) };
  };
  const parameters = new Map<string, Parameter>(usedParameters(graph.nodes, graph.parameters));
  parameters.set(`${name}.weight`, drawn([outputs, features]));
  parameters.set(`${name}.bias`, drawn([outputs]));
  const nodes: Node[] = [...graph.nodes];
  let input = graph.output;
  if (dropout > 0) {
    const output = `${name}.dropout`;
    nodes.push({ op: 'dropout', name: output, inputs: [input], output, rate: dropout });
    input = output;
  }
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  nodes.push({ op: 'linear', name, inputs: [input], output: name, weight, bias });
  return { ...graph, output: name, nodes, parameters };
}

/**
 * Nodes by the stage of the source that they come from; all others are the head's. A pool that now goes before the
 * convolution of an earlier stage is one of that stage, so that stages follow each other.
 */
function stagesOf(graph: Graph, stages: readonly Stage[]): ClassifyingNetwork['stages'] {
  const known = new Map(
    stages.flatMap(({ nodes }, index) => nodes.map(({ name }) => [name, index] as const)),
  );
  const indices = graph.nodes.map(({ name }) => known.get(name) ?? stages.length);
  for (let index = indices.length - 2; index >= 0; index--) {
    indices[index] = Math.min(indices[index]!, indices[index + 1]!);
  }
  return [...stages.map(({ name }) => name), HEAD]
    .map((name, stage) => ({ name, nodes: graph.nodes.filter((_, index) => indices[index] === stage) }))
    .filter(({ nodes }) => nodes.length > 0);
}
