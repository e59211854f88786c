/**
 * The graph IR: what every weight format is read into, cuts are found in, ONNX prefixes are written from and the C++
 * engine compiles. Tensors are named; shapes exclude nothing: [N, C, H, W] or [N, F] with N = batch.
 */
export type Shape = readonly number[];

interface NodeBase {
  /** Unique name, shown in errors. */
  readonly name: string;
  /** Names of the input activations, in order. */
  readonly inputs: readonly string[];
  /** Name of the one output activation. */
  readonly output: string;
}

/** [top, left, bottom, right] */
export type Padding = readonly [number, number, number, number];
export type Pair = readonly [number, number];

export interface Conv2d extends NodeBase {
  readonly op: 'conv2d';
  /** Names of parameters: weight [out, in / groups, kh, kw], bias [out]. */
  readonly weight: string;
  readonly bias?: string;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  readonly groups: number;
}
export interface BatchNorm extends NodeBase {
  readonly op: 'batch-norm';
  readonly scale: string;
  readonly bias: string;
  readonly mean: string;
  readonly variance: string;
  readonly epsilon: number;
  /** Weight of the old running average in an update (ONNX convention). */
  readonly momentum: number;
}
export interface MaxPool extends NodeBase {
  readonly op: 'max-pool';
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly ceilMode: boolean;
}
export interface AveragePool extends NodeBase {
  readonly op: 'average-pool';
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly ceilMode: boolean;
  readonly countIncludesPadding: boolean;
}
/** [N, C, H, W] → [N, C, 1, 1] */
export interface GlobalAveragePool extends NodeBase {
  readonly op: 'global-average-pool';
}
export interface Relu extends NodeBase {
  readonly op: 'relu';
}
export interface Sigmoid extends NodeBase {
  readonly op: 'sigmoid';
}
export interface Softmax extends NodeBase {
  readonly op: 'softmax';
  readonly axis: number;
}
export interface Clip extends NodeBase {
  readonly op: 'clip';
  readonly minimum: number;
  readonly maximum: number;
}
export interface Add extends NodeBase {
  readonly op: 'add';
}
/** Along the channel axis. */
export interface Concat extends NodeBase {
  readonly op: 'concat';
}
/** [N, in] → [N, out], weight [out, in]. */
export interface Linear extends NodeBase {
  readonly op: 'linear';
  readonly weight: string;
  readonly bias?: string;
}
export interface Dropout extends NodeBase {
  readonly op: 'dropout';
  readonly rate: number;
}
/** [N, ...] → [N, product of the rest] */
export interface Flatten extends NodeBase {
  readonly op: 'flatten';
}
export interface Identity extends NodeBase {
  readonly op: 'identity';
}

export type Node =
  | Conv2d
  | BatchNorm
  | MaxPool
  | AveragePool
  | GlobalAveragePool
  | Relu
  | Sigmoid
  | Softmax
  | Clip
  | Add
  | Concat
  | Linear
  | Dropout
  | Flatten
  | Identity;

export interface Parameter {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Nodes in topological order; one input image tensor, one output. */
export interface Graph {
  readonly name: string;
  readonly input: string;
  /** [C, H, W] of one image; H and W may be 0 where the file leaves them free (then `inferShapes` is told them). */
  readonly inputShape: Shape;
  readonly output: string;
  readonly nodes: readonly Node[];
  readonly parameters: ReadonlyMap<string, Parameter>;
}

/** Names of the parameters that a node reads, in the order of its fields. */
export function parameterNames(node: Node): readonly string[] {
  switch (node.op) {
    case 'conv2d':
    case 'linear':
      return node.bias === undefined ? [node.weight] : [node.weight, node.bias];
    case 'batch-norm':
      return [node.scale, node.bias, node.mean, node.variance];
    default:
      return [];
  }
}

/** The parameters of `parameters` that `nodes` read. */
export function usedParameters(
  nodes: readonly Node[],
  parameters: ReadonlyMap<string, Parameter>,
): Map<string, Parameter> {
  const used = new Map<string, Parameter>();
  for (const name of nodes.flatMap(parameterNames)) {
    const parameter = parameters.get(name);
    if (parameter !== undefined) used.set(name, parameter);
  }
  return used;
}
