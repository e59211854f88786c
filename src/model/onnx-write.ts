import { ThawError } from '../base/errors.js';
import type { Graph, Node, Parameter, Shape } from './graph.js';
import { usedParameters } from './graph.js';
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  DATA_TYPE,
  type Draft,
  encodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx-proto.js';
import { inferShapes } from './shapes.js';

export interface OnnxWriteOptions {
  /** 13 to 21; 17 by default. */
  readonly opset?: number;
  /** Tensors to hand out, `[graph.output]` by default. */
  readonly outputs?: readonly string[];
  /** Images in a batch; left open by default. */
  readonly batch?: number;
  /** [C, H, W] instead of `graph.inputShape`. */
  readonly inputShape?: Shape;
  /** Leaves height and width of the images open. */
  readonly openSize?: boolean;
  /** What the file says about itself, by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A protobuf message cannot exceed 2 GiB; beyond this ONNX needs external data, which is not written. */
const LARGEST_BYTES = 1.8e9;

/**
 * The graph with its weights as the bytes of an `.onnx` file.
 * Throws MODEL for an opset or output that cannot be written, wrong shapes, or weights of more than 1.8 GB.
 */
export function writeOnnx(graph: Graph, options: OnnxWriteOptions = {}): Uint8Array {
  const opset = options.opset ?? 17;
  if (!Number.isInteger(opset) || opset < 13 || opset > 21)
    throw new ThawError('MODEL', `expects opset 13 to 21 to write, received ${opset}.`, { node: graph.name });
  const inputShape = options.inputShape ?? graph.inputShape;
  const shapes = inferShapes(graph, { inputShape, batch: options.batch ?? 1 });
  const parameters = usedParameters(graph.nodes, graph.parameters);
  expectSmall(graph, parameters);
  const constants: Draft<TensorProto>[] = [];
  const nodes = graph.nodes.map((node) => nodeProto(node, constants));
  const port = (name: string) => portProto(graph, name, shapes.get(name), options);
  return encodeModel({
    irVersion: opset <= 18 ? 8 : opset <= 20 ? 9 : 10,
    producerName: 'thaw',
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name || 'graph',
      node: nodes,
      initializer: [
        ...[...parameters].map(([name, parameter]) => weightProto(name, parameter)),
        ...constants,
      ],
      input: [port(graph.input)],
      output: (options.outputs ?? [graph.output]).map(port),
    },
  });
}

function nodeProto(node: Node, constants: Draft<TensorProto>[]): Draft<NodeProto> {
  const { name } = node;
  const base = { name, output: [node.output] };
  const plain = (opType: string, attribute: Draft<AttributeProto>[] = []) => {
    return { ...base, opType, input: node.inputs, attribute };
  };
  const constant = (role: string, value: number): string => {
    const tensor = `${name}.${role}`;
    constants.push(weightProto(tensor, { shape: [], data: Float32Array.of(value) }));
    return tensor;
  };
  switch (node.op) {
    case 'conv2d':
      return {
        ...plain('Conv', [
          ints('strides', node.stride),
          ints('dilations', node.dilation),
          ints('pads', node.padding),
          int('group', node.groups),
        ]),
        input: [...node.inputs, node.weight, ...(node.bias === undefined ? [] : [node.bias])],
      };
    case 'batch-norm':
      return {
        ...plain('BatchNormalization', [float('epsilon', node.epsilon), float('momentum', node.momentum)]),
        input: [...node.inputs, node.scale, node.bias, node.mean, node.variance],
      };
    case 'max-pool':
      return plain('MaxPool', [
        ints('kernel_shape', node.kernel),
        ints('strides', node.stride),
        ints('dilations', node.dilation),
        ints('pads', node.padding),
        int('ceil_mode', Number(node.ceilMode)),
      ]);
    case 'average-pool':
      return plain('AveragePool', [
        ints('kernel_shape', node.kernel),
        ints('strides', node.stride),
        ints('pads', node.padding),
        int('ceil_mode', Number(node.ceilMode)),
        int('count_include_pad', Number(node.countIncludesPadding)),
      ]);
    case 'linear':
      return {
        ...plain('Gemm', [int('transB', 1)]),
        input: [...node.inputs, node.weight, ...(node.bias === undefined ? [] : [node.bias])],
      };
    case 'clip': {
      const minimum = node.minimum === Number.NEGATIVE_INFINITY ? '' : constant('min', node.minimum);
      const maximum = node.maximum === Number.POSITIVE_INFINITY ? '' : constant('max', node.maximum);
      return { ...plain('Clip'), input: [...node.inputs, minimum, maximum] };
    }
    case 'dropout':
      return { ...plain('Dropout'), input: [...node.inputs, constant('ratio', node.rate)] };
    case 'softmax':
      return plain('Softmax', [int('axis', node.axis)]);
    case 'concat':
      return plain('Concat', [int('axis', 1)]);
    case 'flatten':
      return plain('Flatten', [int('axis', 1)]);
    case 'global-average-pool':
      return plain('GlobalAveragePool');
    case 'relu':
      return plain('Relu');
    case 'sigmoid':
      return plain('Sigmoid');
    case 'add':
      return plain('Add');
    case 'identity':
      return plain('Identity');
  }
}

function portProto(
  graph: Graph,
  name: string,
  shape: Shape | undefined,
  { batch, openSize = false }: OnnxWriteOptions,
): Draft<ValueInfoProto> {
  if (shape === undefined)
    throw new ThawError('MODEL', `there is no tensor "${name}" to hand out.`, { node: graph.name });
  const [, ...rest] = shape;
  const first = batch === undefined ? { dimParam: 'N' } : { dimValue: batch };
  const isOpen = (axis: number) => openSize && rest.length === 3 && axis > 0;
  const dim = [
    first,
    ...rest.map((dimValue, axis) => (isOpen(axis) ? { dimParam: `${name}.${'CHW'[axis]}` } : { dimValue })),
  ];
  return { name, type: { tensorType: { elemType: DATA_TYPE.float, shape: { dim } } } };
}

function weightProto(name: string, { shape, data }: Parameter): Draft<TensorProto> {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: shape, dataType: DATA_TYPE.float, rawData };
}

function expectSmall(graph: Graph, parameters: ReadonlyMap<string, Parameter>): void {
  let bytes = 0;
  for (const { data } of parameters.values()) bytes += data.byteLength;
  if (bytes <= LARGEST_BYTES) return;
  throw new ThawError(
    'MODEL',
    `has ${(bytes / 1e9).toFixed(1)} GB of weights; at most 1.8 GB can be written.`,
    {
      node: graph.name,
      hint: 'Choose an earlier cut or a smaller network.',
    },
  );
}

function int(name: string, i: number): Draft<AttributeProto> {
  return { name, type: ATTRIBUTE_TYPE.int, i };
}

function ints(name: string, values: readonly number[]): Draft<AttributeProto> {
  return { name, type: ATTRIBUTE_TYPE.ints, ints: values };
}

function float(name: string, f: number): Draft<AttributeProto> {
  return { name, type: ATTRIBUTE_TYPE.float, f };
}
