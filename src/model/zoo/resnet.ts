import type { Graph } from '../graph.js';
import { IMAGES, NetworkBuilder } from './builder.js';
import { heNormal, linearUniform } from './initialise.js';
import type { ZooOptions } from './options.js';

export interface ResNetLayout {
  /** `imagenet`: 7×7 convolution and max pooling, reduction 4; `cifar`: 3×3 convolution, no reduction. */
  readonly stem: 'imagenet' | 'cifar';
  /** `basic`: two 3×3 convolutions; `bottleneck`: 1×1, 3×3, 1×1 with four times the width at its output. */
  readonly block: 'basic' | 'bottleneck';
  /** Residual blocks of each layer; from the second layer on the first block halves the map. */
  readonly blocks: readonly number[];
  /** Channels of the stem and width of the first layer; each further layer doubles it. */
  readonly width: number;
}

const imagenet = (block: ResNetLayout['block'], blocks: readonly number[]): ResNetLayout => {
  return { stem: 'imagenet', block, blocks, width: 64 };
};

/** The networks of the paper's table 1, as torchvision has them. */
export const RESNETS: Readonly<Record<string, ResNetLayout>> = {
  resnet18: imagenet('basic', [2, 2, 2, 2]),
  resnet34: imagenet('basic', [3, 4, 6, 3]),
  resnet50: imagenet('bottleneck', [3, 4, 6, 3]),
  resnet101: imagenet('bottleneck', [3, 4, 23, 3]),
  resnet152: imagenet('bottleneck', [3, 8, 36, 3]),
};

/** ResNet for 32×32 images (section 4.2 of the paper): three layers of (depth − 2) / 6 basic blocks. */
export function cifarResNet(depth: number): ResNetLayout {
  const blocks = Math.floor((depth - 2) / 6);
  return { stem: 'cifar', block: 'basic', blocks: [blocks, blocks, blocks], width: 16 };
}

/** Channels at the end of a block, in widths. */
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

/**
 * ResNet (He et al., CVPR 2016, arXiv 1512.03385) with torchvision's layers, parameter names and initial weights:
 * [N, channels, size, size] → [N, classes], or the pooled features without `classes`. "Version 1.5": a bottleneck that
 * halves the map does it in its 3×3 convolution. A shortcut that changes its shape is a 1×1 convolution.
 */
export function resnet(name: string, layout: ResNetLayout, options: ZooOptions): Graph {
  const net = new NetworkBuilder();
  let tensor = stem(net, layout, options);
  let channels = layout.width;
  for (const [index, blocks] of layout.blocks.entries()) {
    const width = layout.width * 2 ** index;
    for (let block = 0; block < blocks; block++) {
      const stride = index > 0 && block === 0 ? 2 : 1;
      const shape = { channels, width, stride };
      tensor = residualBlock(net, layout.block, `layer${index + 1}.${block}`, tensor, shape);
      channels = width * EXPANSION[layout.block];
    }
  }
  let output = net.pool(tensor);
  if (options.classes !== undefined) {
    const initial = linearUniform(channels);
    const classifier = { inputs: channels, outputs: options.classes, weight: initial, bias: initial };
    output = net.linear('fc', output, classifier);
  }
  return net.build(name, output, options);
}

function stem(net: NetworkBuilder, layout: ResNetLayout, options: ZooOptions): string {
  const channels = { inputs: options.channels, outputs: layout.width, weight };
  const small = layout.stem === 'cifar';
  const window = small ? { kernel: 3, padding: 1 } : { kernel: 7, stride: 2, padding: 3 };
  const conv = net.conv('conv1', IMAGES, { ...channels, ...window });
  const active = net.relu('relu', net.batchNorm('bn1', conv, layout.width));
  return small ? active : net.maxPool('maxpool', active, { kernel: 3, stride: 2, padding: 1 });
}

interface BlockShape {
  /** Of the block's input. */
  readonly channels: number;
  readonly width: number;
  readonly stride: number;
}

function residualBlock(
  net: NetworkBuilder,
  kind: ResNetLayout['block'],
  name: string,
  input: string,
  { channels, width, stride }: BlockShape,
): string {
  const outputs = width * EXPANSION[kind];
  const convolutions =
    kind === 'basic'
      ? [
          { inputs: channels, outputs: width, kernel: 3, stride, padding: 1 },
          { inputs: width, outputs: width, kernel: 3, padding: 1 },
        ]
      : [
          { inputs: channels, outputs: width, kernel: 1 },
          { inputs: width, outputs: width, kernel: 3, stride, padding: 1 },
          { inputs: width, outputs, kernel: 1 },
        ];
  let tensor = input;
  for (const [index, convolution] of convolutions.entries()) {
    if (index > 0) tensor = net.relu(`${name}.relu${index}`, tensor);
    tensor = net.conv(`${name}.conv${index + 1}`, tensor, { ...convolution, weight });
    tensor = net.batchNorm(`${name}.bn${index + 1}`, tensor, convolution.outputs);
  }
  let shortcut = input;
  if (stride !== 1 || channels !== outputs) {
    const projection = { inputs: channels, outputs, kernel: 1, stride, weight };
    shortcut = net.conv(`${name}.downsample.0`, input, projection);
    shortcut = net.batchNorm(`${name}.downsample.1`, shortcut, outputs);
  }
  const sum = net.sum(`${name}.add`, [tensor, shortcut]);
  return net.relu(`${name}.relu${convolutions.length}`, sum);
}

const weight = (shape: readonly number[]) => heNormal(shape, 'out');
