import { IMAGES, NetworkBuilder } from './builder.js';
import { constant, heNormal, linearUniform } from './initialise.js';
import type { ZooGraph, ZooOptions } from './options.js';

export interface DenseNetLayout {
  /** `imagenet`: 7×7 convolution and max pooling, reduction 4; `cifar`: 3×3 convolution, no reduction. */
  readonly stem: 'imagenet' | 'cifar';
  readonly stemChannels: number;
  /** Channels that every layer adds. */
  readonly growth: number;
  /** Layers of each block. */
  readonly blocks: readonly number[];
  /** Part of the channels that a transition keeps. */
  readonly compression: number;
}

const imagenet = (growth: number, blocks: readonly number[]): DenseNetLayout => {
  return { stem: 'imagenet', stemChannels: 2 * growth, growth, blocks, compression: 0.5 };
};

/** The networks of the paper's table 1, as torchvision has them. */
export const DENSENETS: Readonly<Record<string, DenseNetLayout>> = {
  densenet121: imagenet(32, [6, 12, 24, 16]),
  densenet161: imagenet(48, [6, 12, 36, 24]),
  densenet169: imagenet(32, [6, 12, 32, 32]),
  densenet201: imagenet(32, [6, 12, 48, 32]),
};

/** DenseNet-BC for 32×32 images (section 3 of the paper): three blocks of (depth − 4) / 6 layers with bottlenecks. */
export function densenetBC(options: { depth: number; growth: number; compression: number }): DenseNetLayout {
  const { depth, growth, compression } = options;
  const layers = Math.floor((depth - 4) / 6);
  return { stem: 'cifar', stemChannels: 2 * growth, growth, blocks: [layers, layers, layers], compression };
}

/** The 1×1 convolution of a layer makes this many times the growth. */
const BOTTLENECK = 4;

/**
 * DenseNet with bottlenecks and compression (Huang et al., CVPR 2017, arXiv 1608.06993) with torchvision's layers,
 * parameter names and initial weights: [N, channels, size, size] → [N, classes], or the pooled features without
 * `classes`. The input of every layer is the concatenation of the block's input and all layers before it.
 */
export function densenet(name: string, layout: DenseNetLayout, options: ZooOptions): ZooGraph {
  const net = new NetworkBuilder();
  let channels = layout.stemChannels;
  let tensor = stem(net, layout, options);
  for (const [index, layers] of layout.blocks.entries()) {
    tensor = denseBlock(net, `features.denseblock${index + 1}`, tensor, channels, layers, layout.growth);
    channels += layers * layout.growth;
    if (index === layout.blocks.length - 1) break;
    const kept = Math.floor(channels * layout.compression);
    tensor = transition(net, `features.transition${index + 1}`, tensor, channels, kept);
    channels = kept;
  }
  tensor = net.relu('relu', net.batchNorm('features.norm5', tensor, channels));
  let output = net.pool(tensor);
  if (options.classes !== undefined) {
    const classifier = { inputs: channels, outputs: options.classes };
    const initial = { weight: linearUniform(channels), bias: constant(0) };
    output = net.linear('classifier', output, { ...classifier, ...initial });
  }
  return net.build(name, output, options);
}

function stem(net: NetworkBuilder, layout: DenseNetLayout, options: ZooOptions): string {
  const channels = { inputs: options.channels, outputs: layout.stemChannels, weight };
  if (layout.stem === 'cifar')
    return net.conv('features.conv0', IMAGES, { ...channels, kernel: 3, padding: 1 });
  const reduced = net.conv('features.conv0', IMAGES, { ...channels, kernel: 7, stride: 2, padding: 3 });
  const norm = net.batchNorm('features.norm0', reduced, layout.stemChannels);
  const active = net.relu('features.relu0', norm);
  return net.maxPool('features.pool0', active, { kernel: 3, stride: 2, padding: 1 });
}

function denseBlock(
  net: NetworkBuilder,
  name: string,
  input: string,
  channels: number,
  layers: number,
  growth: number,
): string {
  const tensors = [input];
  const wide = BOTTLENECK * growth;
  for (let index = 0; index < layers; index++) {
    const layer = `${name}.denselayer${index + 1}`;
    const inputs = channels + index * growth;
    const joined = index === 0 ? input : net.concat(`${layer}.concat`, [...tensors]);
    const norm1 = net.relu(`${layer}.relu1`, net.batchNorm(`${layer}.norm1`, joined, inputs));
    const conv1 = net.conv(`${layer}.conv1`, norm1, { inputs, outputs: wide, kernel: 1, weight });
    const norm2 = net.relu(`${layer}.relu2`, net.batchNorm(`${layer}.norm2`, conv1, wide));
    const produced = { inputs: wide, outputs: growth, kernel: 3, padding: 1, weight };
    tensors.push(net.conv(`${layer}.conv2`, norm2, produced));
  }
  return net.concat(name, tensors);
}

function transition(
  net: NetworkBuilder,
  name: string,
  input: string,
  inputs: number,
  outputs: number,
): string {
  const active = net.relu(`${name}.relu`, net.batchNorm(`${name}.norm`, input, inputs));
  const reduced = net.conv(`${name}.conv`, active, { inputs, outputs, kernel: 1, weight });
  return net.averagePool(`${name}.pool`, reduced, { kernel: 2, stride: 2 });
}

const weight = (shape: readonly number[]) => heNormal(shape, 'in');
