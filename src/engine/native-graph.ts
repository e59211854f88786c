import type { Graph } from '../model/graph.js';
import { nodesBefore, type Stage } from '../model/stages.js';
import type { NativeGraph } from './addon.js';

/** The graph as the addon wants it: nodes by stage, parameters as shapes. */
export function nativeGraph(graph: Graph, stages: readonly Pick<Stage, 'nodes'>[]): NativeGraph {
  const needed = new Set(nodesBefore(graph, graph.output));
  const nodes = stages.flatMap((stage, index) =>
    stage.nodes.filter((node) => needed.has(node)).map((node) => ({ ...node, stage: index })),
  );
  const parameters = [...graph.parameters].map(([name, { shape }]) => ({ name, shape }));
  const { input, inputShape, output } = graph;
  return { input, inputShape, output, nodes, parameters };
}
