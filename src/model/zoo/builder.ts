import type { MaxPool, Node } from '../graph.js';
import { constant, type Distribution, initialise, type ParameterPlan } from './initialise.js';
import type { ChannelOrder, ZooGraph, ZooOptions } from './options.js';

interface Convolution {
  readonly inputs: number;
  readonly outputs: number;
  /** Square kernel, stride and padding on all sides. */
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  /** Where the initial weights [outputs, inputs, kernel, kernel] come from. */
  readonly weight: (shape: readonly number[]) => Distribution;
  /** Absent = no bias. */
  readonly bias?: Distribution;
}

interface Pooling {
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
  readonly ceilMode?: boolean;
}

/** The input tensor of every architecture. */
export const IMAGES = 'images';

/**
 * Writes a network down layer by layer. Every method adds one node, called like its layer and like the tensor that it
 * makes, plans its parameters under PyTorch's names, and returns the tensor.
 */
export class NetworkBuilder {
  private readonly nodes: Node[] = [];
  private readonly plans = new Map<string, ParameterPlan>();

  conv(name: string, input: string, layer: Convolution): string {
    const { inputs, outputs, kernel, stride = 1, padding = 0, weight, bias } = layer;
    const shape = [outputs, inputs, kernel, kernel];
    this.plans.set(`${name}.weight`, { shape, initial: weight(shape) });
    if (bias !== undefined) this.plans.set(`${name}.bias`, { shape: [outputs], initial: bias });
    return this.add({
      op: 'conv2d',
      name,
      inputs: [input],
      output: name,
      weight: `${name}.weight`,
      ...(bias === undefined ? {} : { bias: `${name}.bias` }),
      stride: [stride, stride],
      dilation: [1, 1],
      padding: [padding, padding, padding, padding],
      groups: 1,
    });
  }

  /** Starts as PyTorch's: scale 1, bias 0, running mean 0 and variance 1. */
  batchNorm(name: string, input: string, channels: number): string {
    const parameter = (suffix: string, value: number): string => {
      this.plans.set(`${name}.${suffix}`, { shape: [channels], initial: constant(value) });
      return `${name}.${suffix}`;
    };
    return this.add({
      op: 'batch-norm',
      name,
      inputs: [input],
      output: name,
      scale: parameter('weight', 1),
      bias: parameter('bias', 0),
      mean: parameter('running_mean', 0),
      variance: parameter('running_var', 1),
      epsilon: 1e-5,
      momentum: 0.9,
    });
  }

  relu(name: string, input: string): string {
    return this.add({ op: 'relu', name, inputs: [input], output: name });
  }

  maxPool(name: string, input: string, pooling: Pooling): string {
    const node = { op: 'max-pool', name, inputs: [input], output: name } as const;
    const { kernel, stride, padding, ceilMode } = windowOf(pooling);
    return this.add({ ...node, kernel, stride, padding, dilation: [1, 1], ceilMode });
  }

  averagePool(name: string, input: string, pooling: Pooling): string {
    const node = { op: 'average-pool', name, inputs: [input], output: name } as const;
    return this.add({ ...node, ...windowOf(pooling), countIncludesPadding: true });
  }

  clip(name: string, input: string, [minimum, maximum]: readonly [number, number]): string {
    return this.add({ op: 'clip', name, inputs: [input], output: name, minimum, maximum });
  }

  sum(name: string, inputs: readonly string[]): string {
    return this.add({ op: 'add', name, inputs, output: name });
  }

  concat(name: string, inputs: readonly string[]): string {
    return this.add({ op: 'concat', name, inputs, output: name });
  }

  dropout(name: string, input: string, rate: number): string {
    return this.add({ op: 'dropout', name, inputs: [input], output: name, rate });
  }

  /** Global average of the map `input` [N, C, H, W] → [N, C]. */
  pool(input: string): string {
    this.add({ op: 'global-average-pool', name: 'average', inputs: [input], output: 'average' });
    return this.add({ op: 'flatten', name: 'flatten', inputs: ['average'], output: 'flatten' });
  }

  linear(
    name: string,
    input: string,
    layer: { inputs: number; outputs: number; weight: Distribution; bias: Distribution },
  ): string {
    const { inputs, outputs, weight, bias } = layer;
    this.plans.set(`${name}.weight`, { shape: [outputs, inputs], initial: weight });
    this.plans.set(`${name}.bias`, { shape: [outputs], initial: bias });
    return this.add({
      op: 'linear',
      name,
      inputs: [input],
      output: name,
      weight: `${name}.weight`,
      bias: `${name}.bias`,
    });
  }

  /**
   * The graph from the images to `output`, with its initial parameters. `channelOrder` is given where the network keeps
   * channels in another order than weight files do.
   */
  build(
    name: string,
    output: string,
    options: ZooOptions,
    channelOrder?: ReadonlyMap<string, ChannelOrder>,
  ): ZooGraph {
    return {
      name,
      input: IMAGES,
      inputShape: [options.channels, options.size, options.size],
      output,
      nodes: this.nodes,
      parameters: initialise(this.plans, options.seed),
      ...(channelOrder === undefined ? {} : { channelOrder }),
    };
  }

  private add(node: Node): string {
    this.nodes.push(node);
    return node.output;
  }
}

function windowOf(pooling: Pooling): Pick<MaxPool, 'kernel' | 'stride' | 'padding' | 'ceilMode'> {
  const { kernel, stride, padding = 0, ceilMode = false } = pooling;
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    ceilMode,
  };
}
