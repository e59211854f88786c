import { ThawError } from '../base/errors.js';
import { type Graph, type Node, type Shape, usedParameters } from './graph.js';
import { findStages, findTrunk, imageShapes, nodesBefore, type TrunkOptions } from './stages.js';

/** A tensor at which a frozen prefix may end. */
export interface Cut {
  /** A stage's name (the cut lies after that stage), or `pooled`. */
  readonly name: string;
  readonly tensor: string;
  /** Shape of one image's activation at the cut, [C, H, W] or [F]. */
  readonly shape: Shape;
  /** Stages that lie wholly before the cut. */
  readonly stagesBefore: readonly string[];
  /** What a prefix appends to `tensor`, so that `pooled` is a vector whatever the network does there. */
  readonly appends: 'nothing' | 'flatten' | 'global-average-pool';
}

/** The name of the cut at the pooled feature vector. */
export const POOLED = 'pooled';

/**
 * The cuts of a graph: one after each stage but the head, and `pooled`, the vector [F] of globally averaged features that
 * a classifier sees. Where the graph does not hold that vector (it flattens a larger map, classifies by convolution
 * before pooling, or ends in a map) `pooled` is the average over the trunk's last map.
 */
export function findCuts(graph: Graph, options: TrunkOptions = {}): Cut[] {
  const stages = findStages(graph, options).filter(({ name }) => name !== 'head');
  const cuts = stages.map(({ name, output, shape }, index): Cut => {
    const stagesBefore = stages.slice(0, index + 1).map((stage) => stage.name);
    return { name, tensor: output, shape, stagesBefore, appends: 'nothing' };
  });
  return [
    ...cuts,
    pooledCut(
      graph,
      options,
      stages.map(({ name }) => name),
    ),
  ];
}

/** The cut of a given name; throws MODEL, listing the cuts there are, for an unknown one. */
export function findCut(graph: Graph, name: string, options: TrunkOptions = {}): Cut {
  const cuts = findCuts(graph, options);
  const cut = cuts.find((candidate) => candidate.name === name);
  if (cut !== undefined) return cut;
  throw new ThawError('MODEL', `there is no cut "${name}".`, {
    node: graph.name,
    hint: `Cuts of this network: ${cuts.map((candidate) => candidate.name).join(', ')}.`,
  });
}

/**
 * The cut before the last stage of the backbone: the least of a network that can be trained lies behind it. Throws MODEL for
 * a backbone of one stage.
 */
export function cutBeforeLastStage(graph: Graph, options: TrunkOptions = {}): Cut {
  const stages = findCuts(graph, options).filter(({ name }) => name !== POOLED);
  const cut = stages.at(-2);
  if (cut !== undefined) return cut;
  throw new ThawError(
    'MODEL',
    `expected a backbone of at least two stages to train the last one of, received one (${stages[0]?.name}).`,
    { node: graph.name, hint: 'Train the whole network with `strategy: full`.' },
  );
}

/** The graph from the input to a cut: its output is the cut's tensor (pooled and flattened where the cut says so). */
export function prefixOf(graph: Graph, cut: Cut | string, options: TrunkOptions = {}): Graph {
  const { tensor, appends } = typeof cut === 'string' ? findCut(graph, cut, options) : cut;
  const nodes = nodesBefore(graph, tensor);
  const append = (op: 'flatten' | 'global-average-pool', input: string): string => {
    const output = `${tensor}/${op}`;
    nodes.push({ op, name: output, inputs: [input], output });
    return output;
  };
  const pooled = appends === 'global-average-pool' ? append('global-average-pool', tensor) : tensor;
  const output = appends === 'nothing' ? tensor : append('flatten', pooled);
  if (nodes.length === 0) throw new ThawError('MODEL', 'nothing lies before the cut.', { node: tensor });
  const inputShape = options.inputShape ?? graph.inputShape;
  return { ...graph, inputShape, output, nodes, parameters: usedParameters(nodes, graph.parameters) };
}

/**
 * The graph from a cut to the output: its input is the cut's tensor, of the cut's shape; a lone identity where nothing
 * follows. Throws MODEL where the prefix appends pooling that the graph itself does not have.
 */
export function suffixOf(graph: Graph, cut: Cut | string, options: TrunkOptions = {}): Graph {
  const { name, tensor, shape, appends } = typeof cut === 'string' ? findCut(graph, cut, options) : cut;
  if (appends !== 'nothing') {
    throw new ThawError(
      'MODEL',
      `what follows "${name}" in this network does not work on the pooled vector.`,
      {
        node: tensor,
        hint: 'Train a new head on it, or cut after a stage.',
      },
    );
  }
  const before = new Set(nodesBefore(graph, tensor));
  const rest = nodesBefore(graph, graph.output).filter((node) => !before.has(node));
  const { output, nodes } = rest.length > 0 ? { output: graph.output, nodes: rest } : passOn(tensor);
  const parameters = usedParameters(nodes, graph.parameters);
  return { name: graph.name, input: tensor, inputShape: shape, output, nodes, parameters };
}

function passOn(tensor: string): { output: string; nodes: Node[] } {
  const output = `${tensor}/identity`;
  return { output, nodes: [{ op: 'identity', name: output, inputs: [tensor], output }] };
}

function pooledCut(graph: Graph, options: TrunkOptions, stagesBefore: readonly string[]): Cut {
  const { end, pooled } = findTrunk(graph, options);
  const tensor = pooled ?? end;
  const shape = imageShapes(graph, options.inputShape).get(tensor) ?? [];
  const vector = shape.length === 1;
  const appends = vector ? 'nothing' : pooled === undefined ? 'global-average-pool' : 'flatten';
  return { name: POOLED, tensor, shape: [shape[0] ?? 0], stagesBefore, appends };
}
