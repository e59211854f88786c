import type { AveragePool, Conv2d, Graph, Node } from './graph.js';

/**
 * The same function with fewer multiplications: an average pool after a 1×1 convolution (DenseNet's transitions) goes
 * before it. Both are linear and act on different axes, so they commute, bias included (the mean of a constant is the
 * constant), up to rounding. In DenseNet-121 this saves 231 of 2,870 million multiply-adds an image.
 */
export function poolBeforePointwise(graph: Graph): Graph {
  const uses = new Map<string, number>();
  for (const tensor of [...graph.nodes.flatMap(({ inputs }) => inputs), graph.output]) {
    uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  }
  const producers = new Map(graph.nodes.map((node) => [node.output, node]));
  const moved = new Map<Node, Conv2d>();
  for (const node of graph.nodes) {
    if (node.op !== 'average-pool' || !averagesPixelsOnly(node)) continue;
    const before = producers.get(node.inputs[0]!);
    if (before?.op === 'conv2d' && isPointwise(before, graph) && uses.get(before.output) === 1)
      moved.set(node, before);
  }
  const convolutions = new Set<Node>(moved.values());
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (convolutions.has(node)) return [];
    const convolution = moved.get(node);
    if (convolution === undefined) return [node];
    const pooled = convolution.output;
    return [
      { ...(node as AveragePool), inputs: convolution.inputs, output: pooled },
      { ...convolution, inputs: [pooled], output: node.output },
    ];
  });
  return { ...graph, nodes };
}

/** No padding enters the mean, so that the mean of a constant map is the constant. */
function averagesPixelsOnly({ padding, ceilMode }: AveragePool): boolean {
  return padding.every((length) => length === 0) && !ceilMode;
}

function isPointwise({ weight, stride, padding }: Conv2d, graph: Graph): boolean {
  const [, , height, width] = graph.parameters.get(weight)?.shape ?? [];
  return (
    height === 1 &&
    width === 1 &&
    [...stride].every((step) => step === 1) &&
    padding.every((length) => length === 0)
  );
}
