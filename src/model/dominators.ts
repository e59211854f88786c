import type { Graph } from './graph.js';

/**
 * The tensors through which every path from input to output passes, from the input (first) to the output (last).
 * These are the output's chain in the dominator tree; in a graph without circles the immediate dominator of a tensor is
 * the nearest common ancestor, in that tree, of the tensors it is made from (Cooper, Harvey and Kennedy, "A simple, fast
 * dominance algorithm", 2001), so one pass over the nodes finds it.
 */
export function dominatorChain(graph: Graph): string[] {
  const parent = new Map<string, string>();
  const depth = new Map<string, number>([[graph.input, 0]]);
  const meet = (left: string, right: string): string => {
    let [a, b] = [left, right];
    while (a !== b) {
      if ((depth.get(a) ?? 0) >= (depth.get(b) ?? 0)) a = parent.get(a) ?? graph.input;
      else b = parent.get(b) ?? graph.input;
    }
    return a;
  };
  for (const node of graph.nodes) {
    const dominator = node.inputs.reduce(meet);
    parent.set(node.output, dominator);
    depth.set(node.output, (depth.get(dominator) ?? 0) + 1);
  }
  const chain = [graph.output];
  for (let tensor = parent.get(graph.output); tensor !== undefined; tensor = parent.get(tensor))
    chain.push(tensor);
  return chain.reverse();
}
