import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dominatorChain } from '../../src/model/dominators.js';
import type { Graph, MaxPool, Node, Shape } from '../../src/model/graph.js';
import { sortNodes } from '../../src/model/order.js';
import { countMultiplyAdds, inferShapes } from '../../src/model/shapes.js';

const parameter = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, length) => product * length, 1)),
});
const graph = (nodes: Node[], inputShape: Shape, parameters: Graph['parameters'] = new Map()): Graph => ({
  name: 'test',
  input: 'x',
  inputShape,
  output: nodes.at(-1)?.output ?? 'x',
  nodes,
  parameters,
});
const conv = (changes: Partial<Extract<Node, { op: 'conv2d' }>> = {}): Node => ({
  op: 'conv2d',
  name: 'conv',
  inputs: ['x'],
  output: 'y',
  weight: 'w',
  stride: [2, 1],
  dilation: [2, 1],
  padding: [1, 0, 2, 3],
  groups: 1,
  ...changes,
});
const pool = (changes: Partial<MaxPool>): Node => ({
  op: 'max-pool',
  name: 'pool',
  inputs: ['x'],
  output: 'y',
  kernel: [3, 3],
  stride: [2, 2],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
  ceilMode: false,
  ...changes,
});

test('convolution: floor((size + padding − dilation · (kernel − 1) − 1) / stride) + 1', () => {
  const parameters = new Map([['w', parameter(5, 3, 3, 4)]]);
  const one = graph([conv()], [3, 10, 12], parameters);
  assert.deepEqual(inferShapes(one, { batch: 4 }).get('y'), [4, 5, 5, 12]);
  assert.equal(countMultiplyAdds(one), 5 * 5 * 12 * 3 * 3 * 4);
});

test('pooling in ceil mode leaves out windows that start beyond the input', () => {
  const size = (changes: Partial<MaxPool>, side: number) =>
    inferShapes(graph([pool(changes)], [1, side, side])).get('y')?.[2];
  assert.equal(size({}, 8), 3);
  assert.equal(size({ ceilMode: true }, 8), 4);
  assert.equal(size({ ceilMode: true }, 7), 3);
  assert.equal(size({ ceilMode: true, kernel: [2, 2], padding: [1, 1, 1, 1] }, 3), 2);
  assert.equal(size({ ceilMode: true, kernel: [1, 1], stride: [3, 3] }, 8), 3);
});

test('shapes that do not fit are refused with node, expected and received', () => {
  const refused = (nodes: Node[], message: RegExp, parameters: Graph['parameters'] = new Map()) =>
    assert.throws(() => inferShapes(graph(nodes, [3, 8, 8], parameters)), { code: 'MODEL', message });
  const flat: Node = { op: 'flatten', name: 'flat', inputs: ['x'], output: 'f' };
  const weights = new Map([['w', parameter(4, 2, 3, 3)]]);
  refused([conv()], /^conv: conv2d lacks the parameter "w"/);
  refused([conv()], /^conv: conv2d expects 2 input channels.*received \[1, 3, 8, 8\]/, weights);
  refused([conv({ inputs: ['z'] })], /reads the tensor "z", which no node before it makes/, weights);
  refused(
    [pool({ kernel: [9, 9] })],
    /^pool: max-pool expects an input of at least its window of 9 pixels.*\[1, 3, 8, 8\]/,
  );
  refused(
    [pool({ padding: [3, 0, 0, 0] })],
    /expects padding smaller than its kernel \[3, 3\], received \[3, 0, 0, 0\]/,
  );
  refused(
    [flat, { op: 'add', name: 'sum', inputs: ['x', 'f'], output: 'y' }],
    /^sum: add expects inputs of one shape, received \[1, 3, 8, 8\] and \[1, 192\]/,
  );
  refused(
    [pool({}), { op: 'concat', name: 'cat', inputs: ['x', 'y'], output: 'z' }],
    /^cat: concat expects inputs that differ in channels only/,
  );
  refused(
    [flat, { op: 'global-average-pool', name: 'gap', inputs: ['f'], output: 'y' }],
    /^gap: .*expects \[N, C, H, W\], received \[1, 192\]/,
  );
  refused([flat, flat], /makes the tensor "f", which exists already/);
  const vector = new Map([
    ['w', parameter(4, 192)],
    ['b', parameter(5)],
  ]);
  refused(
    [flat, { op: 'linear', name: 'fc', inputs: ['f'], output: 'y', weight: 'w', bias: 'b' }],
    /^fc: linear expects "b" of shape \[4\], received \[5\]/,
    vector,
  );
  assert.throws(() => inferShapes(graph([flat], [3, 0, 0])), {
    code: 'MODEL',
    message: /input size is not known: \[3, \?, \?\]/,
  });
});

test('dominators equal those found by taking each tensor out of random graphs', () => {
  let state = 1;
  const random = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let round = 0; round < 200; round++) {
    const tensors = ['x'];
    const nodes: Node[] = [];
    for (let index = 0; index < 3 + random(12); index++) {
      const recent = () => tensors[Math.max(0, tensors.length - 1 - random(4))] ?? 'x';
      const output = `t${index}`;
      nodes.push({ op: 'add', name: output, inputs: [recent(), recent()], output });
      tensors.push(output);
    }
    const made = graph(nodes, [1, 1, 1]);
    const passes = (removed: string) => {
      const reached = new Set(removed === 'x' ? [] : ['x']);
      for (const { inputs, output } of nodes) {
        if (output !== removed && inputs.some((tensor) => reached.has(tensor))) reached.add(output);
      }
      return reached.has(made.output);
    };
    assert.deepEqual(
      dominatorChain(made),
      tensors.filter((tensor) => !passes(tensor)),
    );
  }
});

test('nodes are sorted by what they read, whatever order they come in; circles are named', () => {
  type Plain = { name: string; reads: string[] };
  const view = {
    name: ({ name }: Plain) => name,
    inputs: ({ reads }: Plain) => reads,
    outputs: ({ name }: Plain) => [name],
  };
  const a = { name: 'a', reads: ['x'] };
  const b = { name: 'b', reads: ['a'] };
  const c = { name: 'c', reads: ['a', 'b'] };
  const unused = { name: 'd', reads: ['c'] };
  assert.deepEqual(sortNodes([unused, c, b, a], view, 'c'), [a, b, c]);
  assert.deepEqual(sortNodes([a, b, c], view, 'x'), []);
  const circle = [{ name: 'a', reads: ['c'] }, b, c];
  assert.throws(() => sortNodes(circle, view, 'c', 'm.onnx'), {
    code: 'MODEL',
    message: 'm.onnx (c): nodes depend on each other in a circle: c ← a.',
  });
  assert.throws(() => sortNodes([a, a], view, 'a'), {
    code: 'MODEL',
    message: /two nodes make the tensor "a"/,
  });
});
