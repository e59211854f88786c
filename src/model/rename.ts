import type { Graph, Node } from './graph.js';

export interface GraphNames {
  readonly input: string;
  readonly output: string;
  /** `numbered`: weight0, weight1 …; `kept`: as they are, but for one that a tensor has too. */
  readonly weights: 'numbered' | 'kept';
}

/** The same graph with given names at its ends and numbered tensors between, so that no names clash. */
export function renamed(graph: Graph, names: GraphNames): Graph {
  const tensors = new Map([[graph.input, names.input]]);
  graph.nodes.forEach(({ output }, index) => void tensors.set(output, `tensor${index}`));
  tensors.set(graph.output, names.output);
  const taken = new Set(tensors.values());
  const newName = (name: string, index: number) => {
    if (names.weights === 'numbered') return `weight${index}`;
    return taken.has(name) ? `${name}.weights` : name;
  };
  const weights = new Map([...graph.parameters.keys()].map((name, index) => [name, newName(name, index)]));
  const parameters = new Map(
    [...graph.parameters].map(([name, value]) => [weights.get(name) ?? name, value]),
  );
  const nodes = graph.nodes.map((node): Node => {
    const inputs = node.inputs.map((tensor) => tensors.get(tensor) ?? tensor);
    return renameParameters({ ...node, inputs, output: tensors.get(node.output) ?? node.output }, weights);
  });
  return { ...graph, input: names.input, output: names.output, nodes, parameters };
}

function renameParameters(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string) => names.get(name) ?? name;
  switch (node.op) {
    case 'conv2d':
    case 'linear':
      return {
        ...node,
        weight: rename(node.weight),
        ...(node.bias === undefined ? {} : { bias: rename(node.bias) }),
      };
    case 'batch-norm':
      return {
        ...node,
        scale: rename(node.scale),
        bias: rename(node.bias),
        mean: rename(node.mean),
        variance: rename(node.variance),
      };
    default:
      return node;
  }
}
