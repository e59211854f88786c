import { ThawError } from '../base/errors.js';
import { withClassifier } from './classifier.js';
import { findCut, POOLED } from './cut.js';
import type { Graph, Parameter } from './graph.js';
import type { LoadedModel } from './registry.js';
import { formatShape, product } from './shapes.js';

/** What a training has changed of a source with a new classifier. */
export type TrainedWeights =
  | {
      /** A linear layer on the raw features: weight [outputs × features], bias [outputs]. */
      readonly kind: 'head';
      readonly weight: Float32Array;
      readonly bias: Float32Array;
    }
  /** Parameters of the network that `withClassifier` makes, or of its part behind a cut, by name. */
  | { readonly kind: 'network'; readonly parameters: ReadonlyMap<string, Float32Array> };

export interface TrainedOptions {
  /** Height and width of the images. */
  readonly size: number;
  readonly outputs: number;
  /** Where a head's features were taken. */
  readonly cut: string;
}

/**
 * The whole network of a training, from the image to the logits [outputs]: the source's layers, with the trained weights in the
 * place of their own, pooling and the classifier; no dropout. Throws MODEL for weights that the network has no place for.
 */
export function trainedGraph(
  model: Pick<LoadedModel, 'graph' | 'card'>,
  weights: TrainedWeights,
  { size, outputs, cut }: TrainedOptions,
): Graph {
  const { graph } = withClassifier(model, { size, outputs, dropout: 0, seed: 0 });
  if (weights.kind === 'network') return replaceParameters(graph, weights.parameters);
  const trunk = {
    inputShape: [model.card.input.channels, size, size],
    featureTensor: model.card.featureTensor,
  };
  if (findCut(model.graph, cut, trunk).tensor !== findCut(model.graph, POOLED, trunk).tensor)
    throw new ThawError('MODEL', `expected a head on the pooled features, received one on "${cut}".`, {
      node: cut,
    });
  const { weight, bias } = classifierOf(graph);
  return replaceParameters(
    graph,
    new Map([
      [weight, weights.weight],
      [bias, weights.bias],
    ]),
  );
}

/** The names of the parameters of the linear layer that a network with a new classifier ends in. */
export function classifierOf(graph: Graph): { readonly weight: string; readonly bias: string } {
  const last = graph.nodes.find(({ output }) => output === graph.output);
  if (last?.op === 'linear' && last.bias !== undefined) return { weight: last.weight, bias: last.bias };
  throw new ThawError('MODEL', 'expected a network that ends in a linear layer with a bias.', {
    node: last?.name ?? graph.output,
  });
}

function replaceParameters(graph: Graph, values: ReadonlyMap<string, Float32Array>): Graph {
  const parameters = new Map<string, Parameter>(graph.parameters);
  for (const [name, data] of values) {
    const shape = graph.parameters.get(name)?.shape;
    if (shape === undefined || product(shape) !== data.length)
      throw new ThawError(
        'MODEL',
        `expected ${shape === undefined ? 'no such parameter' : formatShape(shape)}, received ${data.length} numbers.`,
        { node: name },
      );
    parameters.set(name, { shape, data });
  }
  return { ...graph, parameters };
}
