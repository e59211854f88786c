import type { Graph, Node, Parameter } from './graph.js';
import { constant, type Distribution, heNormal, initialise, type ParameterPlan } from './zoo/initialise.js';

/**
 * The same network with random weights from a seed: convolutions and linear layers normal with variance 2 / fan-in (He et al.,
 * "Delving deep into rectifiers", 2015), biases 0, batch norms that change nothing. Where an exporter has folded a batch norm
 * into its convolution, there is none left to keep activations in range, so training starts harder.
 */
export function randomised(graph: Graph, seed: number): Graph {
  const initial = new Map(graph.nodes.flatMap(initialOf(graph.parameters)));
  const plans = new Map<string, ParameterPlan>(
    [...graph.parameters].map(([name, { shape }]) => [
      name,
      { shape, initial: initial.get(name) ?? constant(0) },
    ]),
  );
  return { ...graph, parameters: initialise(plans, seed) };
}

function initialOf(parameters: ReadonlyMap<string, Parameter>) {
  return (node: Node): (readonly [string, Distribution])[] => {
    switch (node.op) {
      case 'conv2d':
      case 'linear':
        return [[node.weight, heNormal(parameters.get(node.weight)!.shape, 'in')]];
      case 'batch-norm':
        return [
          [node.scale, constant(1)],
          [node.variance, constant(1)],
        ];
      default:
        return [];
    }
  };
}
