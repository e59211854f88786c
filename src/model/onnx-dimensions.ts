import type { Assembly, Dimension } from './onnx-assembly.js';
import { expectShort, expectSpatialAxes, output } from './onnx-assembly.js';
import { nodeFault, type SourceNode } from './onnx-attributes.js';
import { readTensor } from './onnx-tensor.js';

/**
 * Readers of the operators by which exporters compute shapes (`x.view(x.size(0), -1)` becomes Shape, Gather, Unsqueeze,
 * Concat, Reshape). Constants and shapes are evaluated while the graph is read; lists of dimensions may hold the batch
 * size as a symbol.
 */
export function readConstant(assembly: Assembly, node: SourceNode): void {
  const { attributes } = node;
  const tensor = attributes.tensor('value');
  if (tensor !== undefined) {
    assembly.define(node, { kind: 'constant', tensor: readTensor(tensor, assembly.external) });
    return;
  }
  const integers = attributes.has('value_int')
    ? [attributes.int('value_int', 0)]
    : attributes.ints('value_ints');
  if (integers !== undefined) {
    const constant = { kind: 'integer', shape: [integers.length], data: integers } as const;
    assembly.define(node, { kind: 'constant', tensor: constant });
    return;
  }
  const floats = attributes.has('value_float')
    ? [attributes.float('value_float', 0)]
    : attributes.floats('value_floats');
  if (floats === undefined)
    throw nodeFault(node, 'has no value of a supported kind (tensor, integers or numbers).');
  const constant = { kind: 'float', shape: [floats.length], data: Float32Array.from(floats) } as const;
  assembly.define(node, { kind: 'constant', tensor: constant });
}

/** [N, C, H, W] as a list of dimensions; `start` and `end` (opset 15) take a part of it. */
export function readShape(assembly: Assembly, node: SourceNode): void {
  const { shape } = assembly.activation(node);
  const dimensions = shape.map((length, axis): Dimension => (axis === 0 ? 'batch' : length || 'unknown'));
  const start = node.attributes.int('start', 0);
  const end = node.attributes.int('end', dimensions.length);
  assembly.define(node, { kind: 'dimensions', data: dimensions.slice(start, end) });
}

export function readGather(assembly: Assembly, node: SourceNode): void {
  const data = assembly.dimensions(node, 0, 'dimensions');
  node.attributes.expectInt('axis', 0);
  const picked = assembly.integers(node, 1, 'indices').map((index) => {
    const entry = data.at(index);
    if (entry === undefined)
      throw nodeFault(node, `expects an index below ${data.length}, received ${index}.`);
    return entry;
  });
  assembly.define(node, { kind: 'dimensions', data: picked });
}

/** Slice of a list of dimensions; starts and ends are attributes before opset 10. */
export function readSlice(assembly: Assembly, node: SourceNode): void {
  const data = assembly.dimensions(node, 0, 'dimensions');
  const [start = 0] = node.attributes.ints('starts') ?? assembly.integers(node, 1, 'starts');
  const [end = data.length] = node.attributes.ints('ends') ?? assembly.integers(node, 2, 'ends');
  const axes =
    node.attributes.ints('axes') ?? (assembly.hasInput(node, 3) ? assembly.integers(node, 3, 'axes') : [0]);
  const [step = 1] = assembly.hasInput(node, 4) ? assembly.integers(node, 4, 'steps') : [];
  if (axes[0] !== 0 || step !== 1) throw nodeFault(node, 'is supported along axis 0 with step 1 only.');
  assembly.define(node, { kind: 'dimensions', data: data.slice(start, end) });
}

/** Scalars and lists of one entry are the same here; of activations, [N, C, 1, 1] → [N, C] can be read. */
export function readSqueeze(assembly: Assembly, node: SourceNode): void {
  const axes =
    node.attributes.ints('axes') ?? (assembly.hasInput(node, 1) ? assembly.integers(node, 1, 'axes') : []);
  const value = assembly.value(node, 0);
  if (value.kind !== 'activation') {
    assembly.define(node, value);
    return;
  }
  expectSpatialAxes(node, axes, value.shape);
  const { tensor } = assembly.activation(node);
  assembly.emit({ op: 'flatten', name: node.name, inputs: [tensor], output: output(node) });
}

export function readUnsqueeze(assembly: Assembly, node: SourceNode): void {
  const axes = node.attributes.ints('axes') ?? assembly.integers(node, 1, 'axes');
  if (axes.join() !== '0')
    throw nodeFault(node, `is supported along axis 0 only, received [${axes.join(', ')}].`);
  assembly.define(node, { kind: 'dimensions', data: assembly.dimensions(node, 0, 'dimensions') });
}

export function joinDimensions(assembly: Assembly, node: SourceNode): void {
  node.attributes.int('axis', 0);
  const data: Dimension[] = [];
  for (const index of node.inputs.keys()) {
    const part = assembly.dimensions(node, index, 'dimensions');
    expectShort(node, data.length + part.length);
    data.push(...part);
  }
  assembly.define(node, { kind: 'dimensions', data });
}
