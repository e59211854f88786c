import type { Node, Parameter, Shape } from './graph.js';
import { nodeFault, type SourceNode } from './onnx-attributes.js';
import type { TensorProto } from './onnx-proto.js';
import { type ConstantTensor, type ExternalBytes, readTensor } from './onnx-tensor.js';
import { formatShape, nodeShape } from './shapes.js';

/** One entry of a computed shape: a number, the batch size, or a length that is not known. */
export type Dimension = number | 'batch' | 'unknown';

/** What a tensor of the file is while the graph is read. */
export type Value =
  | { readonly kind: 'activation'; readonly shape: Shape }
  | { readonly kind: 'constant'; readonly tensor: ConstantTensor }
  | { readonly kind: 'dimensions'; readonly data: readonly Dimension[] };

export interface AssemblyOptions {
  readonly opset: number;
  readonly input: string;
  /** [N, C, H, W]; 0 = not known. */
  readonly inputShape: Shape;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly external: ExternalBytes;
  /** Numbers that weights which are changed while reading may have in all. */
  readonly mostDerived: number;
  /** How many nodes (and graph outputs) read each tensor. */
  readonly readers: ReadonlyMap<string, number>;
}

/** Longest list of dimensions: those of a tensor are a handful. */
const MOST_DIMENSIONS = 1024;

/** The IR graph in the making: what is known of every tensor, the nodes so far and their parameters. */
export class Assembly {
  readonly opset: number;
  readonly nodes: Node[] = [];
  /** What the user should know about how the graph was read. */
  readonly notes = new Set<string>();
  readonly parameters = new Map<string, Parameter>();
  private readonly values = new Map<string, Value>();
  private derivedNumbers = 0;

  constructor(private readonly options: AssemblyOptions) {
    this.opset = options.opset;
    this.values.set(options.input, { kind: 'activation', shape: options.inputShape });
  }

  /** Bytes of tensors in other files, for the tensors of `Constant` nodes. */
  get external(): ExternalBytes {
    return this.options.external;
  }

  value(node: SourceNode, index: number): Value {
    const tensor = node.inputs[index] ?? '';
    if (tensor === '') throw nodeFault(node, `lacks its input ${index + 1}.`);
    const known = this.values.get(tensor);
    if (known !== undefined) return known;
    const initializer = this.options.initializers.get(tensor);
    if (initializer === undefined) {
      const hint = 'The file is incomplete, or the tensor is an output of a kind that is not supported.';
      throw nodeFault(
        node,
        `reads the tensor "${tensor}", which neither a node nor the file's weights give.`,
        { hint },
      );
    }
    const value: Value = { kind: 'constant', tensor: readTensor(initializer, this.options.external) };
    this.values.set(tensor, value);
    return value;
  }

  define(node: SourceNode, value: Value): void {
    if (value.kind === 'dimensions') expectShort(node, value.data.length);
    this.values.set(output(node), value);
  }

  /** Name and shape of an input that is computed from the image. */
  activation(node: SourceNode, index = 0): { readonly tensor: string; readonly shape: Shape } {
    const value = this.value(node, index);
    if (value.kind === 'activation') return { tensor: node.inputs[index] ?? '', shape: value.shape };
    throw nodeFault(node, `expects its input ${index + 1} to come from the image, received a constant.`);
  }

  hasInput(node: SourceNode, index: number): boolean {
    return (node.inputs[index] ?? '') !== '';
  }

  /** Weights at an input; `words` says what they are for the error. */
  floats(node: SourceNode, index: number, words: string): Parameter {
    const value = this.value(node, index);
    if (value.kind === 'constant' && value.tensor.kind === 'float') return value.tensor;
    const received = value.kind === 'activation' ? 'a tensor computed from the image' : 'integers';
    throw nodeFault(node, `expects constant ${words} at input ${index + 1}, received ${received}.`);
  }

  /** Integers at an input that are known when the graph is read (axes, shapes). */
  integers(node: SourceNode, index: number, words: string): readonly number[] {
    const dimensions = this.dimensions(node, index, words);
    if (dimensions.every((entry) => typeof entry === 'number')) return dimensions as readonly number[];
    throw nodeFault(node, `expects constant ${words} at input ${index + 1}, received computed ones.`);
  }

  /** Integers at an input, among which the batch size and unknown lengths may stand. */
  dimensions(node: SourceNode, index: number, words: string): readonly Dimension[] {
    const value = this.value(node, index);
    if (value.kind === 'dimensions') return value.data;
    if (value.kind === 'constant' && value.tensor.kind === 'integer') return value.tensor.data;
    throw nodeFault(node, `expects integer ${words} at input ${index + 1}.`);
  }

  /** Keeps the weights at an input as a parameter under the name that the file gives them. */
  parameter(node: SourceNode, index: number, words: string): string {
    const { shape, data } = this.floats(node, index, words);
    const name = node.inputs[index] ?? '';
    this.parameters.set(name, { shape, data });
    return name;
  }

  /**
   * Keeps changed weights under a name derived from the node. Throws MODEL when a file has one weight changed so often that
   * the copies are out of proportion to the file.
   */
  derived(node: SourceNode, role: 'weight' | 'bias', parameter: Parameter): string {
    this.derivedNumbers += parameter.data.length;
    if (this.derivedNumbers > this.options.mostDerived)
      throw nodeFault(
        node,
        'and the nodes before it need more copies of weights than the file accounts for.',
      );
    let name = `${node.name}.${role}`;
    while (this.options.initializers.has(name) || this.parameters.has(name)) name += '*';
    this.parameters.set(name, parameter);
    return name;
  }

  /** Appends a node whose output is the source node's (or `made.output`), and infers its shape. */
  emit(made: Node): void {
    const inputs = made.inputs.map((tensor) => {
      const value = this.values.get(tensor);
      return value?.kind === 'activation' ? value.shape : [];
    });
    const shape = nodeShape(made, inputs, this.parameters);
    this.nodes.push(made);
    this.values.set(made.output, { kind: 'activation', shape });
  }

  /** The convolution or linear layer that alone feeds `tensor`, if a constant can be added to its bias. */
  biasTarget(tensor: string): Extract<Node, { op: 'conv2d' | 'linear' }> | undefined {
    if (this.options.readers.get(tensor) !== 1) return undefined;
    const maker = this.nodes.find((node) => node.output === tensor);
    return maker?.op === 'conv2d' || maker?.op === 'linear' ? maker : undefined;
  }

  /** Replaces a node that `biasTarget` found by one that makes the tensor `output` itself. */
  replace(old: Node, made: Node): void {
    this.nodes.splice(this.nodes.indexOf(old), 1);
    this.emit(made);
  }

  /** Shape of a tensor that is an activation, undefined otherwise. */
  shapeOf(tensor: string): Shape | undefined {
    const value = this.values.get(tensor);
    return value?.kind === 'activation' ? value.shape : undefined;
  }
}

/** The one output that a node may have here. */
export function output(node: SourceNode): string {
  const tensor = node.outputs[0] ?? '';
  if (tensor === '') throw nodeFault(node, 'has no output.');
  return tensor;
}

/** Throws MODEL for a list of dimensions that is longer than any shape. */
export function expectShort(node: SourceNode, length: number): void {
  if (length <= MOST_DIMENSIONS) return;
  throw nodeFault(node, `computes a list of ${length} dimensions; at most ${MOST_DIMENSIONS} are read.`);
}

/** Spatial axes of [N, C, H, W] as `axes` names them (negative from the end); throws MODEL for any others. */
export function expectSpatialAxes(node: SourceNode, axes: readonly number[], shape: Shape): void {
  const sorted = axes.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort();
  if (shape.length === 4 && sorted.join() === '2,3') return;
  throw nodeFault(
    node,
    `expects axes [2, 3] of [N, C, H, W], received [${axes.join(', ')}] of ${formatShape(shape)}.`,
  );
}
