import { ThawError } from '../base/errors.js';
import type { BatchNorm, Conv2d, Graph, Linear, Node, Shape } from '../model/graph.js';
import { formatShape, inferShapes, product } from '../model/shapes.js';

/** One layer at work: what it makes of a vector, and the gradient with regard to its input. */
interface Layer {
  forward(input: Float64Array): Float64Array;
  /** `input` is what `forward` was given. */
  backward(input: Float64Array, gradient: Float64Array): Float64Array;
}

/**
 * The layers that follow a map of a network one after another (pooling, classifier), in double precision: small enough to be
 * differentiated here. Activations are in the order [C, H, W].
 */
export class HeadChain {
  private constructor(
    private readonly layers: readonly Layer[],
    /** [C, H, W] */
    readonly mapShape: readonly [number, number, number],
    readonly outputs: number,
  ) {}

  /**
   * Throws MODEL where `tensor` is no map, or what follows it is not a chain of pooling over the whole map, 1×1 convolutions,
   * linear layers and what acts on single numbers.
   */
  static behind(graph: Graph, tensor: string): HeadChain {
    const shapes = inferShapes(graph);
    const shapeOf = (name: string): Shape => (shapes.get(name) ?? []).slice(1);
    const [channels = 0, height, width] = shapeOf(tensor);
    if (height === undefined || width === undefined) throw refused(graph.name, `"${tensor}" is no map.`);
    const layers: Layer[] = [];
    let current = tensor;
    while (current !== graph.output) {
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(current));
      const [node] = readers;
      if (node === undefined || readers.length > 1 || node.inputs.length > 1)
        throw refused(
          node?.name ?? current,
          'the layers behind the last map do not follow one after another.',
        );
      layers.push(layerOf(node, shapeOf(current), graph));
      current = node.output;
    }
    const outputs = product(shapeOf(graph.output));
    return new HeadChain(layers, [channels, height, width], outputs);
  }

  /** Logits [outputs] of a map [C, H, W], and their gradients. */
  at(map: Float32Array): { readonly logits: Float64Array; gradient(output: number): Float64Array } {
    const inputs: Float64Array[] = [];
    let current = Float64Array.from(map);
    for (const layer of this.layers) {
      inputs.push(current);
      current = layer.forward(current) as Float64Array<ArrayBuffer>;
    }
    return {
      logits: current,
      gradient: (output) => {
        let gradient: Float64Array = new Float64Array(this.outputs);
        gradient[output] = 1;
        for (let index = this.layers.length - 1; index >= 0; index--)
          gradient = this.layers[index]!.backward(inputs[index]!, gradient);
        return gradient;
      },
    };
  }
}

function layerOf(node: Node, input: Shape, graph: Graph): Layer {
  switch (node.op) {
    case 'flatten':
    case 'identity':
    case 'dropout':
      return { forward: (values) => values, backward: (_, gradient) => gradient };
    case 'relu':
      return elementwise(0, Number.POSITIVE_INFINITY);
    case 'clip':
      return elementwise(node.minimum, node.maximum);
    case 'global-average-pool':
      return globalAverage(input);
    case 'average-pool': {
      const whole = node.kernel[0] === input[1] && node.kernel[1] === input[2];
      if (whole && node.padding.every((length) => length === 0)) return globalAverage(input);
      throw refused(
        node.name,
        `an average over windows of ${node.kernel.join(' × ')} of a map ${formatShape(input)}.`,
      );
    }
    case 'batch-norm':
      return batchNorm(node, input, graph);
    case 'linear':
      return affine(parametersOf(node, graph), 1);
    case 'conv2d': {
      const [, , height, width] = graph.parameters.get(node.weight)?.shape ?? [];
      const pointwise = height === 1 && width === 1 && node.groups === 1;
      if (
        pointwise &&
        node.stride.every((step) => step === 1) &&
        node.padding.every((length) => length === 0)
      )
        return affine(parametersOf(node, graph), product(input.slice(1)));
      throw refused(node.name, `a convolution of ${height} × ${width} pixels.`);
    }
    default:
      throw refused(node.name, `the operator "${node.op}".`);
  }
}

/** min(max(x, low), high); its gradient is 0 where x is at or beyond an end, as PyTorch's of a ReLU at 0. */
function elementwise(low: number, high: number): Layer {
  return {
    forward: (input) => input.map((value) => Math.min(Math.max(value, low), high)),
    backward: (input, gradient) =>
      gradient.map((value, index) => (input[index]! > low && input[index]! < high ? value : 0)),
  };
}

/** [C, H, W] → [C] */
function globalAverage([channels = 0, ...rest]: Shape): Layer {
  const area = product(rest);
  return {
    forward: (input) => {
      const means = new Float64Array(channels);
      for (let index = 0; index < input.length; index++)
        means[Math.floor(index / area)]! += input[index]! / area;
      return means;
    },
    backward: (input, gradient) => input.map((_, index) => gradient[Math.floor(index / area)]! / area),
  };
}

/** Running statistics. */
function batchNorm(node: BatchNorm, [, ...rest]: Shape, { parameters }: Graph): Layer {
  const area = product(rest);
  const [scale, bias, mean, variance] = [node.scale, node.bias, node.mean, node.variance].map(
    (name) => parameters.get(name)!.data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const slope = Float64Array.from(
    scale,
    (value, channel) => value / Math.sqrt(variance[channel]! + node.epsilon),
  );
  const channelOf = (index: number) => Math.floor(index / area);
  return {
    forward: (input) =>
      input.map((value, index) => {
        const channel = channelOf(index);
        return (value - mean[channel]!) * slope[channel]! + bias[channel]!;
      }),
    backward: (_, gradient) => gradient.map((value, index) => value * slope[channelOf(index)]!),
  };
}

/** [in, area] → [out, area]: weight [out, in] at each of `area` places. */
function affine({ weight, bias, outputs, inputs }: AffineParameters, area: number): Layer {
  return {
    forward: (input) => {
      const result = new Float64Array(outputs * area);
      for (let output = 0; output < outputs; output++) {
        const row = result.subarray(output * area, (output + 1) * area).fill(bias?.[output] ?? 0);
        for (let channel = 0; channel < inputs; channel++) {
          const factor = weight[output * inputs + channel]!;
          for (let place = 0; place < area; place++) row[place]! += factor * input[channel * area + place]!;
        }
      }
      return result;
    },
    backward: (_, gradient) => {
      const result = new Float64Array(inputs * area);
      for (let output = 0; output < outputs; output++) {
        const row = gradient.subarray(output * area, (output + 1) * area);
        if (row.every((value) => value === 0)) continue;
        for (let channel = 0; channel < inputs; channel++) {
          const factor = weight[output * inputs + channel]!;
          for (let place = 0; place < area; place++) result[channel * area + place]! += factor * row[place]!;
        }
      }
      return result;
    },
  };
}

interface AffineParameters {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly outputs: number;
  readonly inputs: number;
}

function parametersOf(node: Linear | Conv2d, { parameters }: Graph): AffineParameters {
  const { shape, data } = parameters.get(node.weight)!;
  const [outputs = 0, inputs = 0] = shape;
  const bias = node.bias === undefined ? undefined : parameters.get(node.bias)?.data;
  return { weight: data, bias, outputs, inputs };
}

function refused(node: string, reason: string): ThawError {
  return new ThawError('MODEL', `no heat map can be made: ${reason}`, {
    node,
    hint: 'Heat maps need pooling and a classifier of linear layers or 1×1 convolutions behind the last map.',
  });
}
