import { ThawError } from '../base/errors.js';
import type { Graph, Node } from './graph.js';
import type { Stage } from './stages.js';

/**
 * Names of the convolutions that end the layers of dense blocks (Huang et al., CVPR 2017): what they make is concatenated with
 * something that they were made from. The convolutions before, between and within layers are none.
 */
export function denseLayers({ nodes }: Pick<Graph, 'nodes'>): Set<string> {
  const makers = new Map(nodes.map((node) => [node.output, node]));
  const partners = new Map<Node, Set<string>>();
  for (const { op, inputs } of nodes) {
    if (op !== 'concat') continue;
    for (const input of inputs) {
      const maker = makers.get(input);
      if (maker?.op !== 'conv2d') continue;
      const others = partners.get(maker) ?? new Set<string>();
      for (const other of inputs) if (other !== input) others.add(other);
      partners.set(maker, others);
    }
  }
  const layers = [...partners].filter(([layer, others]) => dependsOn(layer, others, makers));
  return new Set(layers.map(([{ name }]) => name));
}

function dependsOn(node: Node, tensors: ReadonlySet<string>, makers: ReadonlyMap<string, Node>): boolean {
  const seen = new Set<string>();
  const open = [...node.inputs];
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    if (tensors.has(tensor)) return true;
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    open.push(...(makers.get(tensor)?.inputs ?? []));
  }
  return false;
}

/** `denseLayers` of a source. Throws CONFIG for one without dense blocks. */
export function requireDenseLayers(graph: Pick<Graph, 'nodes'>, source: string): Set<string> {
  const layers = denseLayers(graph);
  if (layers.size > 0) return layers;
  throw new ThawError(
    'CONFIG',
    `expected a source with dense connections for \`denseDropout\`, received ${source} without.`,
    {
      node: 'denseDropout',
      hint: 'Vary it with the source (`zip: [{ source: [a-densenet, other], denseDropout: [0.2, 0] }]`), or `exclude` the pair.',
    },
  );
}

/** A network and its stages with dropout behind each of the named convolutions, in the stage of these. */
export function withDropoutBehind(
  network: { readonly graph: Graph; readonly stages: readonly Pick<Stage, 'name' | 'nodes'>[] },
  layers: ReadonlySet<string>,
  rate: number,
): { readonly graph: Graph; readonly stages: readonly Pick<Stage, 'name' | 'nodes'>[] } {
  const dropped = new Map(
    network.graph.nodes
      .filter(({ name }) => layers.has(name))
      .map(({ output }) => [output, `${output}.dropout`]),
  );
  const read = (tensor: string) => dropped.get(tensor) ?? tensor;
  const changed = (node: Node): Node[] => {
    const reader: Node = node.inputs.some((input) => dropped.has(input))
      ? { ...node, inputs: node.inputs.map(read) }
      : node;
    const output = dropped.get(node.output);
    if (output === undefined) return [reader];
    return [reader, { op: 'dropout', name: output, inputs: [node.output], output, rate }];
  };
  const nodes = new Map(network.graph.nodes.map((node) => [node.name, changed(node)]));
  return {
    graph: { ...network.graph, nodes: [...nodes.values()].flat() },
    stages: network.stages.map(({ name, nodes: own }) => ({
      name,
      nodes: own.flatMap((node) => nodes.get(node.name)!),
    })),
  };
}
