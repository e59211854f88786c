import { ThawError } from '../base/errors.js';
import type { AveragePool, Conv2d, Graph, MaxPool, Node, Parameter, Shape } from './graph.js';
import { parameterNames } from './graph.js';

export interface ShapeOptions {
  /** Images in a batch, 1 by default. */
  readonly batch?: number;
  /** [C, H, W] of one image instead of `graph.inputShape`. */
  readonly inputShape?: Shape;
}

/**
 * Shapes of all tensors, batch first: [N, C, H, W] or [N, F].
 * Throws MODEL, naming the node, what it expects and what it received, when shapes or parameters do not fit.
 */
export function inferShapes(graph: Graph, options: ShapeOptions = {}): Map<string, Shape> {
  const inputShape = options.inputShape ?? graph.inputShape;
  if (inputShape.length === 0 || inputShape.some((length) => !Number.isInteger(length) || length < 1)) {
    throw new ThawError('MODEL', `the input size is not known: ${formatShape(inputShape)}.`, {
      node: graph.input,
      hint: 'Give the size of the input images (`input.size` of the model card).',
    });
  }
  const shapes = new Map<string, Shape>([[graph.input, [options.batch ?? 1, ...inputShape]]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((tensor) => {
      const shape = shapes.get(tensor);
      if (shape === undefined)
        throw fault(node, `reads the tensor "${tensor}", which no node before it makes.`);
      return shape;
    });
    if (shapes.has(node.output))
      throw fault(node, `makes the tensor "${node.output}", which exists already.`);
    shapes.set(node.output, nodeShape(node, inputs, graph.parameters));
  }
  if (!shapes.has(graph.output))
    throw new ThawError('MODEL', `no node makes the output "${graph.output}".`, { node: graph.output });
  return shapes;
}

/** Numbers that training changes in `nodes`: weights and biases, without batch norm's running mean and variance. */
export function countParameters(graph: Graph, nodes: readonly Node[] = graph.nodes): number {
  const learned = nodes.flatMap((node) =>
    node.op === 'batch-norm' ? [node.scale, node.bias] : parameterNames(node),
  );
  let count = 0;
  for (const name of new Set(learned)) count += graph.parameters.get(name)?.data.length ?? 0;
  return count;
}

/** Multiply-adds of the convolutions and linear layers among `nodes` for one image (FLOPs are twice as many). */
export function countMultiplyAdds(
  graph: Graph,
  inputShape: Shape = graph.inputShape,
  nodes: readonly Node[] = graph.nodes,
): number {
  const shapes = inferShapes(graph, { inputShape });
  let count = 0;
  for (const node of nodes) {
    if (node.op !== 'conv2d' && node.op !== 'linear') continue;
    const [, ...fanIn] = graph.parameters.get(node.weight)?.shape ?? [];
    count += product(shapes.get(node.output) ?? []) * product(fanIn);
  }
  return count;
}

/**
 * Output shape of one node. A 0 stands for a length that is not known yet; it fits everything and stays unknown.
 * Throws MODEL as `inferShapes` does.
 */
export function nodeShape(
  node: Node,
  inputs: readonly Shape[],
  parameters: ReadonlyMap<string, Parameter>,
): Shape {
  const [input] = inputs;
  if (input === undefined) throw fault(node, 'has no input.');
  if (node.op !== 'add' && node.op !== 'concat' && inputs.length !== 1)
    throw fault(node, `expects 1 input, received ${inputs.length}.`);
  switch (node.op) {
    case 'conv2d':
      return convShape(node, input, parameters);
    case 'batch-norm':
      expectChannels(node, input, parameters);
      return input;
    case 'max-pool':
    case 'average-pool':
      return poolShape(node, input);
    case 'global-average-pool':
      expectRank(node, input, 4);
      return [length(input, 0), length(input, 1), 1, 1];
    case 'add':
      expectSame(node, inputs);
      return input.map(
        (known, axis) => known || length(inputs.find((shape) => shape[axis] !== 0) ?? input, axis),
      );
    case 'concat':
      return concatShape(node, inputs);
    case 'linear':
      return linearShape(node, input, parameters);
    case 'flatten':
      return [length(input, 0), product(input.slice(1))];
    case 'softmax':
      if (node.axis < 1 || node.axis >= input.length)
        throw fault(node, `expects an axis from 1 to ${input.length - 1}, received ${node.axis}.`);
      return input;
    case 'relu':
    case 'sigmoid':
    case 'clip':
    case 'dropout':
    case 'identity':
      return input;
  }
}

/** `[3, 224, 224]`, with `?` for a length that is not known. */
export function formatShape(shape: Shape): string {
  return `[${shape.map((part) => (part === 0 ? '?' : part)).join(', ')}]`;
}

export function product(lengths: readonly number[]): number {
  return lengths.reduce((total, part) => total * part, 1);
}

function convShape(node: Conv2d, input: Shape, parameters: ReadonlyMap<string, Parameter>): Shape {
  expectRank(node, input, 4);
  const weight = parameterShape(node, node.weight, parameters);
  if (weight.length !== 4)
    throw fault(node, `expects a weight [out, in / groups, kh, kw], received ${formatShape(weight)}.`);
  const [outChannels = 0, groupChannels = 0, kernelHeight = 0, kernelWidth = 0] = weight;
  const { groups } = node;
  if (length(input, 1) !== groupChannels * groups) {
    const expected = `expects ${groupChannels * groups} input channels (weight ${formatShape(weight)}, ${groups} groups)`;
    throw fault(node, `${expected}, received ${formatShape(input)}.`);
  }
  if (outChannels % groups !== 0)
    throw fault(node, `expects output channels divisible by ${groups} groups, received ${outChannels}.`);
  if (node.bias !== undefined) expectVector(node, node.bias, outChannels, parameters);
  const window = { ...node, kernel: [kernelHeight, kernelWidth] as const, ceilMode: false };
  return [length(input, 0), outChannels, ...spatial(node, window, input)];
}

function poolShape(node: MaxPool | AveragePool, input: Shape): Shape {
  expectRank(node, input, 4);
  const [top, left, bottom, right] = node.padding;
  const [height, width] = node.kernel;
  if (Math.max(top, bottom) >= height || Math.max(left, right) >= width) {
    const summary = `expects padding smaller than its kernel ${formatShape(node.kernel)}`;
    throw fault(node, `${summary}, received [${node.padding.join(', ')}].`);
  }
  const window = { dilation: [1, 1] as const, ...node };
  return [length(input, 0), length(input, 1), ...spatial(node, window, input)];
}

type Window = Pick<MaxPool, 'kernel' | 'stride' | 'dilation' | 'padding' | 'ceilMode'>;

function spatial(node: Node, window: Window, input: Shape): [number, number] {
  return [windowCount(node, window, input, 0), windowCount(node, window, input, 1)];
}

/**
 * Positions of a sliding window along one axis. In ceil mode a window that would start beyond the input and its leading
 * padding is left out (as PyTorch and ONNX define it).
 */
function windowCount(node: Node, window: Window, input: Shape, axis: 0 | 1): number {
  const size = length(input, axis + 2);
  if (size === 0) return 0;
  const before = window.padding[axis];
  const extent = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
  const room = size + before + window.padding[axis === 0 ? 2 : 3] - extent;
  if (room < 0) {
    const summary = `expects an input of at least its window of ${extent} pixels (with padding)`;
    throw fault(node, `${summary}, received ${formatShape(input)}.`);
  }
  const stride = window.stride[axis];
  if (!window.ceilMode) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

function concatShape(node: Node, inputs: readonly Shape[]): Shape {
  const [input = []] = inputs;
  const rest = (shape: Shape) => shape.map((known, axis) => (axis === 1 ? 0 : known));
  expectSame(node, inputs.map(rest));
  const channels = inputs.map((shape) => length(shape, 1));
  const total = channels.includes(0) ? 0 : channels.reduce((sum, part) => sum + part, 0);
  return input.map((known, axis) => (axis === 1 ? total : known));
}

function linearShape(
  node: Extract<Node, { op: 'linear' }>,
  input: Shape,
  parameters: ReadonlyMap<string, Parameter>,
): Shape {
  expectRank(node, input, 2);
  const weight = parameterShape(node, node.weight, parameters);
  if (weight.length !== 2) throw fault(node, `expects a weight [out, in], received ${formatShape(weight)}.`);
  const [outputs = 0, inputs = 0] = weight;
  const received = length(input, 1);
  if (received !== 0 && received !== inputs) {
    throw fault(
      node,
      `expects ${inputs} features (weight ${formatShape(weight)}), received ${formatShape(input)}.`,
      {
        hint: 'A network that flattens its last map works at one input size only: use the size it was made for.',
      },
    );
  }
  if (node.bias !== undefined) expectVector(node, node.bias, outputs, parameters);
  return [length(input, 0), outputs];
}

function expectChannels(
  node: Extract<Node, { op: 'batch-norm' }>,
  input: Shape,
  parameters: ReadonlyMap<string, Parameter>,
): void {
  if (input.length < 2) throw fault(node, `expects [N, C, ...], received ${formatShape(input)}.`);
  const channels = length(input, 1);
  if (channels === 0) return;
  for (const name of parameterNames(node)) expectVector(node, name, channels, parameters);
}

function expectVector(
  node: Node,
  name: string,
  count: number,
  parameters: ReadonlyMap<string, Parameter>,
): void {
  const shape = parameterShape(node, name, parameters);
  if (shape.length !== 1 || shape[0] !== count)
    throw fault(node, `expects "${name}" of shape [${count}], received ${formatShape(shape)}.`);
}

function expectRank(node: Node, input: Shape, rank: 2 | 4): void {
  if (input.length === rank) return;
  throw fault(node, `expects ${rank === 4 ? '[N, C, H, W]' : '[N, F]'}, received ${formatShape(input)}.`);
}

function expectSame(node: Node, shapes: readonly Shape[]): void {
  const [first = []] = shapes;
  for (const shape of shapes) {
    const fits = (known: number, axis: number) => known === 0 || shape[axis] === 0 || known === shape[axis];
    if (shape.length === first.length && first.every(fits)) continue;
    const what = node.op === 'concat' ? 'inputs that differ in channels only' : 'inputs of one shape';
    throw fault(node, `expects ${what}, received ${shapes.map(formatShape).join(' and ')}.`);
  }
}

function parameterShape(node: Node, name: string, parameters: ReadonlyMap<string, Parameter>): Shape {
  const parameter = parameters.get(name);
  if (parameter === undefined) throw fault(node, `lacks the parameter "${name}".`);
  if (product(parameter.shape) !== parameter.data.length) {
    const summary = `expects ${product(parameter.shape)} numbers in "${name}" ${formatShape(parameter.shape)}`;
    throw fault(node, `${summary}, received ${parameter.data.length}.`);
  }
  return parameter.shape;
}

function length(shape: Shape, axis: number): number {
  return shape[axis] ?? 0;
}

function fault(node: Node, summary: string, details: { hint?: string } = {}): ThawError {
  return new ThawError('MODEL', `${node.op} ${summary}`, { node: node.name, ...details });
}
