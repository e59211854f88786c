import type { Parameter } from './graph.js';
import { type Assembly, output } from './onnx-assembly.js';
import { nodeFault, type SourceNode } from './onnx-attributes.js';
import { formatShape } from './shapes.js';

/** Y = α · A · B + β · C with constant B and C becomes a linear layer; α and β go into its weights. */
export function readGemm(assembly: Assembly, node: SourceNode): void {
  const { tensor } = assembly.activation(node);
  const { attributes } = node;
  attributes.expectInt('transA', 0);
  const alpha = attributes.float('alpha', 1);
  const beta = attributes.float('beta', 1);
  const transposed = attributes.int('transB', 0) === 1;
  const original = matrix(node, assembly.floats(node, 1, 'weights'));
  const matrixOutIn = transposed ? original : transpose(original);
  const weight =
    transposed && alpha === 1
      ? assembly.parameter(node, 1, 'weights')
      : assembly.derived(node, 'weight', scaled(matrixOutIn, alpha));
  const outputs = matrixOutIn.shape[0] ?? 0;
  const bias = assembly.hasInput(node, 2) ? readBias(assembly, node, outputs, beta) : undefined;
  assembly.emit({
    op: 'linear',
    name: node.name,
    inputs: [tensor],
    output: output(node),
    weight,
    ...(bias === undefined ? {} : { bias }),
  });
}

/** [N, in] × constant [in, out]; a following Add of a constant becomes its bias. */
export function readMatMul(assembly: Assembly, node: SourceNode): void {
  const { tensor } = assembly.activation(node);
  const weight = assembly.derived(
    node,
    'weight',
    transpose(matrix(node, assembly.floats(node, 1, 'weights'))),
  );
  assembly.emit({ op: 'linear', name: node.name, inputs: [tensor], output: output(node), weight });
}

/** Add of a constant per channel: folded into the bias of the convolution or linear layer that it follows. */
export function addConstant(assembly: Assembly, node: SourceNode, activation: 0 | 1): void {
  const { tensor, shape } = assembly.activation(node, activation);
  const constant = assembly.floats(node, 1 - activation, 'addend');
  const layer = assembly.biasTarget(tensor);
  if (layer === undefined) {
    throw nodeFault(node, 'of a constant is supported only right after a convolution or linear layer.');
  }
  const channels = shape[1] ?? 0;
  const aligned = [...Array(Math.max(0, shape.length - constant.shape.length)).fill(1), ...constant.shape];
  const expected = [1, channels, ...Array(shape.length - 2).fill(1)];
  const everyChannel = constant.data.length === 1;
  if (!everyChannel && aligned.join() !== expected.join()) {
    const summary = `expects an addend per channel (${channels} of them), received ${formatShape(constant.shape)}`;
    throw nodeFault(node, `${summary} for ${formatShape(shape)}.`);
  }
  const before = layer.bias === undefined ? undefined : assembly.parameters.get(layer.bias)?.data;
  const data = Float32Array.from({ length: channels }, (_, channel) => {
    return (before?.[channel] ?? 0) + (constant.data[everyChannel ? 0 : channel] ?? 0);
  });
  const bias = assembly.derived(node, 'bias', { shape: [channels], data });
  assembly.replace(layer, { ...layer, bias, output: output(node) });
}

function readBias(assembly: Assembly, node: SourceNode, outputs: number, beta: number): string {
  const { shape, data } = assembly.floats(node, 2, 'bias');
  const fits = data.length === 1 || (data.length === outputs && shape.at(-1) === outputs);
  if (!fits) throw nodeFault(node, `expects a bias of ${outputs} numbers, received ${formatShape(shape)}.`);
  if (beta === 1 && shape.length === 1 && data.length === outputs) return assembly.parameter(node, 2, 'bias');
  const spread = Float32Array.from(
    { length: outputs },
    (_, index) => beta * (data[data.length === 1 ? 0 : index] ?? 0),
  );
  return assembly.derived(node, 'bias', { shape: [outputs], data: spread });
}

function matrix(node: SourceNode, parameter: Parameter): Parameter {
  if (parameter.shape.length === 2) return parameter;
  throw nodeFault(node, `expects a weight matrix, received ${formatShape(parameter.shape)}.`);
}

/** [a, b] → [b, a] */
function transpose({ shape: [rows = 0, columns = 0], data }: Parameter): Parameter {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column] as number;
  }
  return { shape: [columns, rows], data: turned };
}

function scaled({ shape, data }: Parameter, factor: number): Parameter {
  return { shape, data: factor === 1 ? data : data.map((value) => value * factor) };
}
