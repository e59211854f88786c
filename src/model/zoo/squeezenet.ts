import type { Graph, Node, Shape } from '../graph.js';
import { initialise } from './initialise.js';
import type { ZooOptions } from './options.js';

/** [squeeze, expand] channels of the fire modules; each expands by 1×1 and by 3×3 kernels alike. */
const LAYERS = [
  { at: 2, kind: 'pool' },
  { at: 3, kind: 'fire', squeeze: 16, expand: 64 },
  { at: 4, kind: 'fire', squeeze: 16, expand: 64 },
  { at: 5, kind: 'pool' },
  { at: 6, kind: 'fire', squeeze: 32, expand: 128 },
  { at: 7, kind: 'fire', squeeze: 32, expand: 128 },
  { at: 8, kind: 'pool' },
  { at: 9, kind: 'fire', squeeze: 48, expand: 192 },
  { at: 10, kind: 'fire', squeeze: 48, expand: 192 },
  { at: 11, kind: 'fire', squeeze: 64, expand: 256 },
  { at: 12, kind: 'fire', squeeze: 64, expand: 256 },
] as const;

/**
 * SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360, and the authors' later revision) with torchvision's parameter names:
 * [N, channels, size, size] → [N, classes], or [N, 512] pooled features without `classes`.
 */
export function squeezenet(options: ZooOptions): Graph {
  const nodes: Node[] = [];
  const shapes = new Map<string, Shape>();
  const conv = (
    name: string,
    input: string,
    weight: readonly [number, number, number],
    stride = 1,
  ): string => {
    const [outputs, inputs, kernel] = weight;
    shapes.set(`${name}.weight`, [outputs, inputs, kernel, kernel]).set(`${name}.bias`, [outputs]);
    const pad = kernel === 3 && stride === 1 ? 1 : 0;
    nodes.push({
      op: 'conv2d',
      name,
      inputs: [input],
      output: name,
      weight: `${name}.weight`,
      bias: `${name}.bias`,
      stride: [stride, stride],
      dilation: [1, 1],
      padding: [pad, pad, pad, pad],
      groups: 1,
    });
    nodes.push({ op: 'relu', name: `${name}.relu`, inputs: [name], output: `${name}.relu` });
    return `${name}.relu`;
  };
  let tensor = conv('features.0', 'images', [64, options.channels, 3], 2);
  let channels = 64;
  for (const layer of LAYERS) {
    const name = `features.${layer.at}`;
    if (layer.kind === 'pool') {
      nodes.push(maxPool(name, tensor));
    } else {
      const squeezed = conv(`${name}.squeeze`, tensor, [layer.squeeze, channels, 1]);
      const expanded = ([1, 3] as const).map((kernel) =>
        conv(`${name}.expand${kernel}x${kernel}`, squeezed, [layer.expand, layer.squeeze, kernel]),
      );
      nodes.push({ op: 'concat', name, inputs: expanded, output: name });
      channels = 2 * layer.expand;
    }
    tensor = name;
  }
  if (options.classes !== undefined) {
    nodes.push({ op: 'dropout', name: 'classifier.0', inputs: [tensor], output: 'classifier.0', rate: 0.5 });
    tensor = conv('classifier.1', 'classifier.0', [options.classes, channels, 1]);
  }
  nodes.push({ op: 'global-average-pool', name: 'average', inputs: [tensor], output: 'average' });
  nodes.push({ op: 'flatten', name: 'flatten', inputs: ['average'], output: 'flatten' });
  return {
    name: 'squeezenet1_1',
    input: 'images',
    inputShape: [options.channels, options.size, options.size],
    output: 'flatten',
    nodes,
    parameters: initialise(shapes, options.seed),
  };
}

/** 3×3 windows, stride 2; the last one may hang over the edge (ceil mode, as Caffe pools). */
function maxPool(name: string, input: string): Node {
  return {
    op: 'max-pool',
    name,
    inputs: [input],
    output: name,
    kernel: [3, 3],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    ceilMode: true,
  };
}
