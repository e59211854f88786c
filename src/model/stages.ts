import { ThawError } from '../base/errors.js';
import { dominatorChain } from './dominators.js';
import type { Graph, Node, Shape } from './graph.js';
import { parameterNames } from './graph.js';
import { inferShapes } from './shapes.js';

/** A group of consecutive layers; stages are numbered from the input. */
export interface Stage {
  /** `stem`, `block1` … `blockK`, `head`. */
  readonly name: string;
  /** The one tensor that later stages read, and its shape for one image. */
  readonly output: string;
  readonly shape: Shape;
  readonly nodes: readonly Node[];
}

/** Where the backbone ends: what the stages and the `pooled` cut are made from. */
export interface Trunk {
  /** Dominators from the input to the trunk's end. */
  readonly chain: readonly string[];
  /** The last map [C, H, W] (or vector [F]) before pooling and classifier. */
  readonly end: string;
  /** The pooled vector, where the graph itself holds it; undefined where pooling has to be appended to `end`. */
  readonly pooled: string | undefined;
}

export interface TrunkOptions {
  /** [C, H, W] of one image, where the graph leaves it open or another size is meant. */
  readonly inputShape?: Shape | undefined;
  /** Tensor whose pooled value is the features, instead of the one that is found. */
  readonly featureTensor?: string | undefined;
}

/** Operators without parameters that stay on the side of the cut where their input is made. */
const PASSING: ReadonlySet<Node['op']> = new Set<Node['op']>([
  'relu',
  'clip',
  'sigmoid',
  'dropout',
  'identity',
  'max-pool',
  'average-pool',
]);

/**
 * Groups the nodes into stages by the graph alone.
 *
 * The dominators of the trunk are split into runs of equal reduction (product of the strides on the way from the input).
 * A run ends at its last merge (add or concat), or at its last dominator where it has none, and takes the following
 * activations, dropouts and poolings with it, since those have no parameters; the last run ends where the trunk does.
 * The first stage is the stem; when a network merges branches before it first reduces, the stem ends where the first
 * branch begins. All that follows the trunk is the head.
 */
export function findStages(graph: Graph, options: TrunkOptions = {}): Stage[] {
  const shapes = imageShapes(graph, options.inputShape);
  const trunk = findTrunk(graph, options);
  const ends = stageEnds(graph, trunk.chain);
  if (trunk.end !== graph.output) ends.push(graph.output);
  const names = ends.map((_, index) => (index === 0 ? 'stem' : `block${index}`));
  if (trunk.end !== graph.output) names[names.length - 1] = 'head';
  const taken = new Set<Node>();
  return ends.map((output, index) => {
    const nodes = nodesBefore(graph, output).filter((node) => !taken.has(node));
    for (const node of nodes) taken.add(node);
    return { name: names[index] ?? '', output, shape: shapes.get(output) ?? [], nodes };
  });
}

/**
 * Finds the end of the backbone on the dominator chain: the input of the global average pooling (also one written as an
 * average over the whole map) or, without one, of the flattening. A network that ends in a classifying 1×1 convolution,
 * an optional ReLU and the pooling (SqueezeNet) has its trunk end before that convolution.
 */
export function findTrunk(graph: Graph, options: TrunkOptions = {}): Trunk {
  const shapes = imageShapes(graph, options.inputShape);
  const chain = dominatorChain(graph);
  const makers = new Map(graph.nodes.map((node) => [node.output, node]));
  const upTo = (end: number, pooled: string | undefined): Trunk => {
    return { chain: chain.slice(0, end + 1), end: chain[end] ?? graph.input, pooled };
  };
  if (options.featureTensor !== undefined) {
    const end = chain.indexOf(options.featureTensor);
    if (end > 0)
      return upTo(end, shapes.get(options.featureTensor)?.length === 1 ? options.featureTensor : undefined);
    throw new ThawError(
      'MODEL',
      `"${options.featureTensor}" is not a tensor that every path passes through.`,
      {
        node: graph.name,
        hint: '`thaw models inspect` lists those tensors.',
      },
    );
  }
  const flat = chain.findIndex((tensor) => shapes.get(tensor)?.length === 1);
  const lastMap = flat < 0 ? chain.length - 1 : flat - 1;
  const pool = chain.findLastIndex((tensor, index) => {
    return index <= lastMap && isGlobalPool(makers.get(tensor), shapes);
  });
  if (pool < 0) return upTo(lastMap, undefined);
  let pooled = pool;
  while (isReshaping(makers.get(chain[pooled + 1] ?? ''))) pooled++;
  const classified = chain.slice(pooled + 1).some((tensor) => hasParameters(makers.get(tensor)));
  const classifier = classified ? -1 : convolutionClassifier(graph, chain, pool);
  return classifier < 0 ? upTo(pool - 1, chain[pooled]) : upTo(classifier, undefined);
}

/** The nodes that `tensor` is made by, directly or not, in the graph's order. */
export function nodesBefore(graph: Graph, tensor: string): Node[] {
  const needed = new Set([tensor]);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!needed.has(node.output)) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return nodes.reverse();
}

/** Shapes for one image, without the batch. */
export function imageShapes(graph: Graph, inputShape?: Shape): Map<string, Shape> {
  const shapes = inferShapes(graph, inputShape === undefined ? {} : { inputShape });
  return new Map([...shapes].map(([tensor, shape]) => [tensor, shape.slice(1)]));
}

function stageEnds(graph: Graph, chain: readonly string[]): string[] {
  const makers = new Map(graph.nodes.map((node) => [node.output, node]));
  const maker = (index: number) => makers.get(chain[index] ?? '');
  const passes = (index: number) => PASSING.has(maker(index)?.op ?? 'conv2d');
  const merges = (index: number) => maker(index)?.op === 'add' || maker(index)?.op === 'concat';
  const last = chain.length - 1;
  const ends: number[] = [];
  for (const run of reductionRuns(graph, chain)) {
    const start = Math.max(run.first, (ends.at(-1) ?? 0) + 1);
    if (start > run.last) continue;
    let end = run.last;
    if (run.last < last) {
      end = indices(start, run.last).findLast(merges) ?? run.last;
      while (end < last && passes(end + 1)) end++;
    }
    if (ends.length === 0) {
      const fork = (indices(start, end).find(merges) ?? 0) - 1;
      if (fork < last && indices(start, fork).some((index) => hasParameters(maker(index)))) {
        ends.push(fork);
        if (fork === end) continue;
      }
    }
    ends.push(end);
  }
  return ends.map((index) => chain[index] ?? '');
}

/** Index ranges of the chain, without the input, over which the reduction stays the same. */
function reductionRuns(graph: Graph, chain: readonly string[]): { first: number; last: number }[] {
  const reductions = reductionsOf(graph);
  const runs: { first: number; last: number }[] = [];
  for (let index = 1; index < chain.length; index++) {
    const run = runs.at(-1);
    if (run !== undefined && reductions.get(chain[index] ?? '') === reductions.get(chain[run.first] ?? ''))
      run.last = index;
    else runs.push({ first: index, last: index });
  }
  return runs;
}

/** Product of the strides between the input and each tensor (the largest over all paths). */
function reductionsOf(graph: Graph): Map<string, number> {
  const reductions = new Map<string, number>([[graph.input, 1]]);
  for (const node of graph.nodes) {
    const before = Math.max(...node.inputs.map((tensor) => reductions.get(tensor) ?? 1));
    const strided = node.op === 'conv2d' || node.op === 'max-pool' || node.op === 'average-pool';
    reductions.set(node.output, strided ? before * Math.max(...node.stride) : before);
  }
  return reductions;
}

/** [C, H, W] → [C, 1, 1], by the operator made for it or by an average pooling over the whole map. */
function isGlobalPool(node: Node | undefined, shapes: ReadonlyMap<string, Shape>): boolean {
  if (node?.op === 'global-average-pool') return true;
  if (node?.op !== 'average-pool') return false;
  const [, height, width] = shapes.get(node.inputs[0] ?? '') ?? [];
  return node.kernel[0] === height && node.kernel[1] === width && node.padding.every((pad) => pad === 0);
}

function isReshaping(node: Node | undefined): boolean {
  return node?.op === 'flatten' || node?.op === 'identity';
}

function hasParameters(node: Node | undefined): boolean {
  return node !== undefined && parameterNames(node).length > 0;
}

/** Index of the map that a classifying convolution right before the pooling at `pool` reads, −1 without one. */
function convolutionClassifier(graph: Graph, chain: readonly string[], pool: number): number {
  const makers = new Map(graph.nodes.map((node) => [node.output, node]));
  const opAt = (index: number) => makers.get(chain[index] ?? '')?.op;
  let index = pool - 1;
  while (opAt(index) === 'relu' || opAt(index) === 'dropout' || opAt(index) === 'identity') index--;
  const node = makers.get(chain[index] ?? '');
  if (node?.op !== 'conv2d' || node.bias === undefined || node.groups !== 1) return -1;
  if (graph.parameters.get(node.weight)?.shape.slice(2).join() !== '1,1') return -1;
  index--;
  while (opAt(index) === 'dropout' || opAt(index) === 'identity') index--;
  return index;
}

/** first, first + 1 … last; empty when last < first. */
function indices(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
}
