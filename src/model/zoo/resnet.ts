import { IMAGES, NetworkBuilder } from './builder.js';
import { type Distribution, heNormal, linearUniform } from './initialise.js';
import type { ZooGraph, ZooOptions } from './options.js';
import { paddedChannels, paddedOrder } from './padded-shortcut.js';

export interface ResNetLayout {
  /** `imagenet`: 7×7 convolution and max pooling, reduction 4; `cifar`: 3×3 convolution, no reduction. */
  readonly stem: 'imagenet' | 'cifar';
  /** `basic`: two 3×3 convolutions; `bottleneck`: 1×1, 3×3, 1×1 with four times the width at its output. */
  readonly block: 'basic' | 'bottleneck';
  /** Residual blocks of each layer; from the second layer on the first block halves the map. */
  readonly blocks: readonly number[];
  /** Channels of the stem and width of the first layer; each further layer doubles it. */
  readonly width: number;
  /**
   * What a shortcut does that changes its shape (section 3.3 of the paper). `projection`: a 1×1 convolution; `padded`: it
   * skips pixels and adds channels of zeros, without parameters.
   */
  readonly shortcut: 'projection' | 'padded';
  /** Name of the classifier. */
  readonly classifier: 'fc' | 'linear';
  /**
   * Which convolution of a bottleneck halves the map: the 3×3 one of "version 1.5" (torchvision, timm), or the first 1×1 one
   * of the paper (Caffe, Keras). Weights of the one do not fit the other, although their shapes do.
   */
  readonly strideIn?: 'first';
  /** Whether the initial weights keep the variance of the activations (`in`) or of the gradients (`out`). */
  readonly fan: 'in' | 'out';
}

const torchvision = { shortcut: 'projection', classifier: 'fc', fan: 'out' } as const;
const imagenet = (block: ResNetLayout['block'], blocks: readonly number[]): ResNetLayout => {
  return { stem: 'imagenet', block, blocks, width: 64, ...torchvision };
};

/** The networks of the paper's table 1, as torchvision has them; `-v1` are those of the paper itself. */
export const RESNETS: Readonly<Record<string, ResNetLayout>> = {
  resnet18: imagenet('basic', [2, 2, 2, 2]),
  resnet34: imagenet('basic', [3, 4, 6, 3]),
  resnet50: imagenet('bottleneck', [3, 4, 6, 3]),
  resnet101: imagenet('bottleneck', [3, 4, 23, 3]),
  resnet152: imagenet('bottleneck', [3, 8, 36, 3]),
  'resnet50-v1': { ...imagenet('bottleneck', [3, 4, 6, 3]), strideIn: 'first' },
  'resnet101-v1': { ...imagenet('bottleneck', [3, 4, 23, 3]), strideIn: 'first' },
  'resnet152-v1': { ...imagenet('bottleneck', [3, 8, 36, 3]), strideIn: 'first' },
};

/**
 * ResNet for 32×32 images (section 4.2 of the paper): three layers of (depth − 2) / 6 basic blocks, with the parameter names
 * and initial weights (He normal by fan-in, the classifier's too) of the PyTorch files that are published for CIFAR-10.
 */
function cifarResNet(depth: number): ResNetLayout {
  const blocks = (depth - 2) / 6;
  const layers = { blocks: [blocks, blocks, blocks], width: 16 } as const;
  return { stem: 'cifar', block: 'basic', ...layers, shortcut: 'padded', classifier: 'linear', fan: 'in' };
}

/** The networks of the paper's table 6. */
export const CIFAR_RESNETS: Readonly<Record<string, ResNetLayout>> = Object.fromEntries(
  [20, 32, 44, 56, 110].map((depth) => [`resnet${depth}`, cifarResNet(depth)]),
);

/** A small member of torchvision's family: 3×3 stem without pooling, basic blocks. */
export function smallResNet(width: number, blocks: readonly number[]): ResNetLayout {
  return { stem: 'cifar', block: 'basic', blocks, width, ...torchvision };
}

/** Channels at the end of a block, in widths. */
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

/**
 * ResNet (He et al., CVPR 2016, arXiv 1512.03385) with torchvision's layers, parameter names and initial weights:
 * [N, channels, size, size] → [N, classes], or the pooled features without `classes`. A bottleneck that
 * halves the map does it where `strideIn` says.
 */
export function resnet(name: string, layout: ResNetLayout, options: ZooOptions): ZooGraph {
  const net = new NetworkBuilder();
  let tensor = stem(net, layout, options);
  let channels = layout.width;
  for (const [index, blocks] of layout.blocks.entries()) {
    const width = layout.width * 2 ** index;
    for (let block = 0; block < blocks; block++) {
      const stride = index > 0 && block === 0 ? 2 : 1;
      const shape = { channels, width, stride };
      tensor = residualBlock(net, layout, `layer${index + 1}.${block}`, tensor, shape);
      channels = width * EXPANSION[layout.block];
    }
  }
  let output = net.pool(tensor);
  if (options.classes !== undefined) {
    const outputs = options.classes;
    const bias = linearUniform(channels);
    const weight = layout.fan === 'in' ? heNormal([outputs, channels], 'in') : bias;
    output = net.linear(layout.classifier, output, { inputs: channels, outputs, weight, bias });
  }
  return net.build(name, output, options, channelOrder(layout));
}

function stem(net: NetworkBuilder, layout: ResNetLayout, options: ZooOptions): string {
  const channels = { inputs: options.channels, outputs: layout.width, weight: weightOf(layout) };
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
  layout: ResNetLayout,
  name: string,
  input: string,
  { channels, width, stride }: BlockShape,
): string {
  const kind = layout.block;
  const first = layout.strideIn === 'first';
  const weight = weightOf(layout);
  const outputs = width * EXPANSION[kind];
  const convolutions =
    kind === 'basic'
      ? [
          { inputs: channels, outputs: width, kernel: 3, stride, padding: 1 },
          { inputs: width, outputs: width, kernel: 3, padding: 1 },
        ]
      : [
          { inputs: channels, outputs: width, kernel: 1, stride: first ? stride : 1 },
          { inputs: width, outputs: width, kernel: 3, stride: first ? 1 : stride, padding: 1 },
          { inputs: width, outputs, kernel: 1 },
        ];
  let tensor = input;
  for (const [index, convolution] of convolutions.entries()) {
    if (index > 0) tensor = net.relu(`${name}.relu${index}`, tensor);
    tensor = net.conv(`${name}.conv${index + 1}`, tensor, { ...convolution, weight });
    tensor = net.batchNorm(`${name}.bn${index + 1}`, tensor, convolution.outputs);
  }
  let shortcut = input;
  if (layout.shortcut === 'padded' && channels !== outputs) {
    shortcut = paddedChannels(net, `${name}.shortcut`, input, stride);
  } else if (stride !== 1 || channels !== outputs) {
    const projection = { inputs: channels, outputs, kernel: 1, stride, weight };
    shortcut = net.conv(`${name}.downsample.0`, input, projection);
    shortcut = net.batchNorm(`${name}.downsample.1`, shortcut, outputs);
  }
  const sum = net.sum(`${name}.add`, [tensor, shortcut]);
  return net.relu(`${name}.relu${convolutions.length}`, sum);
}

function weightOf(layout: ResNetLayout): (shape: readonly number[]) => Distribution {
  return (shape) => heNormal(shape, layout.fan);
}

function channelOrder({ shortcut, blocks, width, classifier }: ResNetLayout) {
  return shortcut === 'padded' ? paddedOrder(blocks, width, classifier) : undefined;
}

/** Whether weights whose bottlenecks halve the map as `strideIn` says are those of an architecture. */
export function stridesFit(architecture: string, strideIn: ResNetLayout['strideIn']): boolean {
  const layout = RESNETS[architecture];
  return layout === undefined || layout.block === 'basic' || layout.strideIn === strideIn;
}
