import { IMAGES, NetworkBuilder } from './builder.js';
import { constant, type Distribution, heUniform } from './initialise.js';
import type { ZooGraph, ZooOptions } from './options.js';

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
 * SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360, and the authors' later revision) with torchvision's parameter names and
 * initial weights: [N, channels, size, size] → [N, classes], or [N, 512] pooled features without `classes`.
 */
export function squeezenet(options: ZooOptions): ZooGraph {
  const net = new NetworkBuilder();
  const conv = (
    name: string,
    input: string,
    layer: { inputs: number; outputs: number; kernel: number; stride?: number; padding?: number },
    weight: (shape: readonly number[]) => Distribution = heUniform,
  ): string => {
    const output = net.conv(name, input, { ...layer, weight, bias: constant(0) });
    return net.relu(`${name}.relu`, output);
  };
  let tensor = conv('features.0', IMAGES, { inputs: options.channels, outputs: 64, kernel: 3, stride: 2 });
  let channels = 64;
  for (const layer of LAYERS) {
    const name = `features.${layer.at}`;
    if (layer.kind === 'pool') {
      // The last window may hang over the edge (ceil mode, as Caffe pools).
      tensor = net.maxPool(name, tensor, { kernel: 3, stride: 2, ceilMode: true });
      continue;
    }
    const { squeeze, expand } = layer;
    const squeezed = conv(`${name}.squeeze`, tensor, { inputs: channels, outputs: squeeze, kernel: 1 });
    const wide = { inputs: squeeze, outputs: expand };
    tensor = net.concat(name, [
      conv(`${name}.expand1x1`, squeezed, { ...wide, kernel: 1 }),
      conv(`${name}.expand3x3`, squeezed, { ...wide, kernel: 3, padding: 1 }),
    ]);
    channels = 2 * expand;
  }
  if (options.classes !== undefined) {
    const dropped = net.dropout('classifier.0', tensor, 0.5);
    const classifier = { inputs: channels, outputs: options.classes, kernel: 1 };
    tensor = conv('classifier.1', dropped, classifier, () => ({ kind: 'normal', deviation: 0.01 }));
  }
  return net.build('squeezenet1_1', net.pool(tensor), options);
}
