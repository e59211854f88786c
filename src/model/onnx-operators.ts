import type { Padding, Pair, Parameter, Shape } from './graph.js';
import { type Assembly, type Dimension, expectSpatialAxes, output } from './onnx-assembly.js';
import { nodeFault, type SourceNode } from './onnx-attributes.js';
import {
  joinDimensions,
  readConstant,
  readGather,
  readShape,
  readSlice,
  readSqueeze,
  readUnsqueeze,
} from './onnx-dimensions.js';
import { addConstant, readGemm, readMatMul } from './onnx-linear.js';
import { DATA_TYPE } from './onnx-proto.js';
import { formatShape, product } from './shapes.js';

/** Turns one ONNX node into nodes of the IR (or into a constant); throws MODEL, naming the node, where it cannot. */
type Reader = (assembly: Assembly, node: SourceNode) => void;

const readers: Readonly<Record<string, Reader>> = {
  Add: readAdd,
  AveragePool: (assembly, node) => readPool(assembly, node, 'average-pool'),
  BatchNormalization: readBatchNorm,
  Cast: readCast,
  Clip: readClip,
  Concat: readConcat,
  Constant: readConstant,
  Conv: readConv,
  Dropout: readDropout,
  Flatten: readFlatten,
  Gather: readGather,
  Gemm: readGemm,
  GlobalAveragePool: (assembly, node) => readPlain(assembly, node, 'global-average-pool'),
  Identity: readIdentity,
  MatMul: readMatMul,
  MaxPool: (assembly, node) => readPool(assembly, node, 'max-pool'),
  ReduceMean: readReduceMean,
  Relu: (assembly, node) => readPlain(assembly, node, 'relu'),
  Reshape: readReshape,
  Shape: readShape,
  Sigmoid: (assembly, node) => readPlain(assembly, node, 'sigmoid'),
  Slice: readSlice,
  Softmax: readSoftmax,
  Squeeze: readSqueeze,
  Unsqueeze: readUnsqueeze,
};

export const SUPPORTED_OPERATORS: readonly string[] = Object.keys(readers);

/** Reads one node into the assembly. */
export function readNode(assembly: Assembly, node: SourceNode): void {
  const reader = Object.hasOwn(readers, node.op) ? readers[node.op] : undefined;
  if (reader === undefined) {
    throw nodeFault(node, 'is an operator that is not supported.', {
      hint: `Supported are ${SUPPORTED_OPERATORS.join(', ')}.`,
    });
  }
  reader(assembly, node);
  node.attributes.expectAllRead();
}

function readPlain(
  assembly: Assembly,
  node: SourceNode,
  op: 'relu' | 'sigmoid' | 'global-average-pool',
): void {
  const { tensor } = assembly.activation(node);
  assembly.emit({ op, name: node.name, inputs: [tensor], output: output(node) });
}

function readConv(assembly: Assembly, node: SourceNode): void {
  const { tensor, shape } = assembly.activation(node);
  const weight = assembly.parameter(node, 1, 'weights');
  const kernel = assembly.parameters.get(weight)?.shape.slice(2) ?? [];
  const stated = node.attributes.ints('kernel_shape');
  if (stated !== undefined && stated.join() !== kernel.join())
    throw nodeFault(
      node,
      `expects weights of kernel [${stated.join(', ')}], received [${kernel.join(', ')}].`,
    );
  const groups = node.attributes.int('group', 1);
  if (groups < 1) throw nodeFault(node, `expects at least 1 group, received ${groups}.`);
  const window = readWindow(assembly, node, shape, pair(node, 'kernel', kernel));
  assembly.emit({
    op: 'conv2d',
    name: node.name,
    inputs: [tensor],
    output: output(node),
    weight,
    ...(assembly.hasInput(node, 2) ? { bias: assembly.parameter(node, 2, 'bias') } : {}),
    stride: window.stride,
    dilation: window.dilation,
    padding: window.padding,
    groups,
  });
}

function readPool(assembly: Assembly, node: SourceNode, op: 'max-pool' | 'average-pool'): void {
  const { tensor, shape } = assembly.activation(node);
  const { attributes } = node;
  const kernel = pair(node, 'kernel_shape', attributes.ints('kernel_shape') ?? []);
  const { stride, dilation, padding } = readWindow(assembly, node, shape, kernel);
  const ceilMode = attributes.int('ceil_mode', 0) === 1;
  const base = { name: node.name, inputs: [tensor], output: output(node), kernel, stride, padding, ceilMode };
  if (op === 'max-pool') {
    attributes.expectInt('storage_order', 0);
    assembly.emit({ op, ...base, dilation });
    return;
  }
  if (dilation.join() !== '1,1') throw nodeFault(node, 'with dilation is not supported.');
  assembly.emit({ op, ...base, countIncludesPadding: attributes.int('count_include_pad', 0) === 1 });
}

/** Stride, dilation and padding; `auto_pad` is resolved for the given input shape. */
function readWindow(
  assembly: Assembly,
  node: SourceNode,
  input: Shape,
  kernel: Pair,
): { stride: Pair; dilation: Pair; padding: Padding } {
  const { attributes } = node;
  if (input.length !== 4) throw nodeFault(node, `expects [N, C, H, W], received ${formatShape(input)}.`);
  const stride = pair(node, 'strides', attributes.ints('strides') ?? [1, 1]);
  const dilation = pair(node, 'dilations', attributes.ints('dilations') ?? [1, 1]);
  const mode = attributes.text('auto_pad', 'NOTSET');
  const pads = attributes.ints('pads') ?? [0, 0, 0, 0];
  if (pads.length !== 4 || pads.some((pad) => pad < 0))
    throw nodeFault(node, `expects 4 paddings of at least 0, received [${pads.join(', ')}].`);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  if (mode === 'NOTSET') return { stride, dilation, padding: [top, left, bottom, right] };
  if (mode === 'VALID') return { stride, dilation, padding: [0, 0, 0, 0] };
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER')
    throw nodeFault(node, `has the attribute "auto_pad" with the unknown value "${mode}".`);
  const along = (axis: 0 | 1): Pair => {
    const total = samePadding(node, input[axis + 2] ?? 0, kernel[axis], stride[axis], dilation[axis]);
    const half = Math.floor(total / 2);
    return mode === 'SAME_UPPER' ? [half, total - half] : [total - half, half];
  };
  const [vertical, horizontal] = [along(0), along(1)];
  if (stride.join() !== '1,1')
    assembly.notes.add(
      `"auto_pad" was resolved for this input size; at any other size the padding stays the same`,
    );
  return { stride, dilation, padding: [vertical[0], horizontal[0], vertical[1], horizontal[1]] };
}

/** Padding in all that makes ceil(size / stride) windows. */
function samePadding(
  node: SourceNode,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): number {
  const extent = dilation * (kernel - 1) + 1;
  if (stride === 1) return extent - 1;
  if (size === 0) {
    throw nodeFault(node, 'pads by "auto_pad", which depends on an input size that the file leaves open.', {
      hint: 'Give the input size, or export the model with a fixed one.',
    });
  }
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
}

function pair(node: SourceNode, what: string, values: readonly number[]): Pair {
  const [first = 0, second = 0] = values;
  if (values.length !== 2 || first < 1 || second < 1)
    throw nodeFault(node, `expects 2 numbers of at least 1 for ${what}, received [${values.join(', ')}].`);
  return [first, second];
}

function readBatchNorm(assembly: Assembly, node: SourceNode): void {
  const { tensor } = assembly.activation(node);
  node.attributes.expectInt('training_mode', 0);
  assembly.emit({
    op: 'batch-norm',
    name: node.name,
    inputs: [tensor],
    output: output(node),
    scale: assembly.parameter(node, 1, 'scales'),
    bias: assembly.parameter(node, 2, 'biases'),
    mean: assembly.parameter(node, 3, 'running means'),
    variance: assembly.parameter(node, 4, 'running variances'),
    epsilon: node.attributes.float('epsilon', 1e-5),
    momentum: node.attributes.float('momentum', 0.9),
  });
}

function readAdd(assembly: Assembly, node: SourceNode): void {
  const kinds = [assembly.value(node, 0).kind, assembly.value(node, 1).kind];
  if (kinds[0] !== 'activation' || kinds[1] !== 'activation') {
    addConstant(assembly, node, kinds[0] === 'activation' ? 0 : 1);
    return;
  }
  assembly.emit({ op: 'add', name: node.name, inputs: node.inputs.slice(0, 2), output: output(node) });
}

function readConcat(assembly: Assembly, node: SourceNode): void {
  const values = node.inputs.map((_, index) => assembly.value(node, index));
  if (values.every(({ kind }) => kind !== 'activation')) {
    joinDimensions(assembly, node);
    return;
  }
  const { shape } = assembly.activation(node);
  node.inputs.forEach((_, index) => void assembly.activation(node, index));
  const axis = node.attributes.int('axis', 1);
  if (axis !== 1 && axis !== 1 - shape.length)
    throw nodeFault(node, `expects axis 1 (channels), received ${axis} of ${formatShape(shape)}.`);
  assembly.emit({ op: 'concat', name: node.name, inputs: node.inputs, output: output(node) });
}

function readReduceMean(assembly: Assembly, node: SourceNode): void {
  const { tensor, shape } = assembly.activation(node);
  const axes =
    node.attributes.ints('axes') ?? (assembly.hasInput(node, 1) ? assembly.integers(node, 1, 'axes') : []);
  expectSpatialAxes(node, axes, shape);
  node.attributes.int('noop_with_empty_axes', 0);
  const target = output(node);
  if (node.attributes.int('keepdims', 1) === 1) {
    assembly.emit({ op: 'global-average-pool', name: node.name, inputs: [tensor], output: target });
    return;
  }
  const pooled = `${target}/pooled`;
  assembly.emit({ op: 'global-average-pool', name: node.name, inputs: [tensor], output: pooled });
  assembly.emit({ op: 'flatten', name: `${node.name}/flatten`, inputs: [pooled], output: target });
}

function readFlatten(assembly: Assembly, node: SourceNode): void {
  const { tensor, shape } = assembly.activation(node);
  const axis = node.attributes.int('axis', 1);
  if (axis !== 1 && axis !== 1 - shape.length) throw nodeFault(node, `expects axis 1, received ${axis}.`);
  assembly.emit({ op: 'flatten', name: node.name, inputs: [tensor], output: output(node) });
}

/** Reshape to [N, all the rest], however the shape is written. */
function readReshape(assembly: Assembly, node: SourceNode): void {
  const { tensor, shape } = assembly.activation(node);
  const copies = node.attributes.int('allowzero', 0) === 0;
  const written = assembly.dimensions(node, 1, 'shape');
  const target = written.map((entry, axis) => {
    if (entry !== 0 || !copies) return entry;
    return axis === 0 ? 'batch' : shape[axis] || 'unknown';
  });
  const features = product(shape.slice(1));
  const [first, second] = target;
  const keepsBatch = first === 'batch' || first === shape[0] || (first === -1 && second === features);
  const keepsRest = second === -1 || (second === features && features > 0);
  if (target.length !== 2 || !keepsBatch || !keepsRest || (first === -1 && second === -1)) {
    const received = `${formatTarget(written)} of ${formatShape(shape)}`;
    throw nodeFault(node, `is supported to [N, all the rest] only, received ${received}.`, {
      hint: shape.includes(0)
        ? 'Give the input size, or export the model with a fixed one.'
        : 'Use Flatten instead.',
    });
  }
  assembly.emit({ op: 'flatten', name: node.name, inputs: [tensor], output: output(node) });
}

function formatTarget(target: readonly Dimension[]): string {
  return `[${target.map((entry) => (entry === 'batch' ? 'N' : entry === 'unknown' ? '?' : entry)).join(', ')}]`;
}

function readDropout(assembly: Assembly, node: SourceNode): void {
  const { tensor } = assembly.activation(node);
  node.attributes.int('seed', 0);
  const rate = assembly.hasInput(node, 1)
    ? scalar(node, assembly.floats(node, 1, 'ratio'))
    : node.attributes.float('ratio', 0.5);
  if (assembly.hasInput(node, 2) && assembly.integers(node, 2, 'training mode')[0] !== 0)
    throw nodeFault(node, 'was exported in training mode.', { hint: 'Export the model in evaluation mode.' });
  assembly.emit({ op: 'dropout', name: node.name, inputs: [tensor], output: output(node), rate });
}

function readClip(assembly: Assembly, node: SourceNode): void {
  const { tensor } = assembly.activation(node);
  const limit = (index: number, name: 'min' | 'max', open: number) => {
    if (assembly.hasInput(node, index)) return scalar(node, assembly.floats(node, index, name));
    return node.attributes.float(name, open);
  };
  assembly.emit({
    op: 'clip',
    name: node.name,
    inputs: [tensor],
    output: output(node),
    minimum: limit(1, 'min', Number.NEGATIVE_INFINITY),
    maximum: limit(2, 'max', Number.POSITIVE_INFINITY),
  });
}

/** Before opset 13 softmax runs over all axes from `axis` on, since then along it. */
function readSoftmax(assembly: Assembly, node: SourceNode): void {
  const { tensor, shape } = assembly.activation(node);
  const written = node.attributes.int('axis', assembly.opset < 13 ? 1 : -1);
  const axis = written < 0 ? written + shape.length : written;
  if (assembly.opset < 13 && product(shape.slice(axis + 1)) !== 1)
    throw nodeFault(
      node,
      `expects one axis (opset ${assembly.opset}), received ${formatShape(shape)} from axis ${axis} on.`,
    );
  assembly.emit({ op: 'softmax', name: node.name, inputs: [tensor], output: output(node), axis });
}

function readIdentity(assembly: Assembly, node: SourceNode): void {
  const value = assembly.value(node, 0);
  if (value.kind !== 'activation') {
    assembly.define(node, value);
    return;
  }
  const { tensor } = assembly.activation(node);
  assembly.emit({ op: 'identity', name: node.name, inputs: [tensor], output: output(node) });
}

/** Between float types: the IR computes in float32 throughout. */
function readCast(assembly: Assembly, node: SourceNode): void {
  const to = node.attributes.int('to', 0);
  const floating: readonly number[] = [
    DATA_TYPE.float,
    DATA_TYPE.float16,
    DATA_TYPE.bfloat16,
    DATA_TYPE.double,
  ];
  const value = assembly.value(node, 0);
  const isFloat = value.kind === 'activation' || (value.kind === 'constant' && value.tensor.kind === 'float');
  if (isFloat !== floating.includes(to))
    throw nodeFault(node, `to element type ${to} is not supported here.`);
  node.attributes.int('saturate', 1);
  readIdentity(assembly, node);
}

function scalar(node: SourceNode, parameter: Parameter): number {
  const [value] = parameter.data;
  if (value === undefined || parameter.data.length !== 1)
    throw nodeFault(node, `expects one number, received ${formatShape(parameter.shape)}.`);
  return value;
}
