import type { Graph, Parameter } from '../graph.js';
import type { ChannelOrder } from '../zoo/options.js';

/** Name of the weight that the images meet first, where a convolution reads them. */
export function stemWeight(graph: Graph): string | undefined {
  for (const node of graph.nodes)
    if (node.op === 'conv2d' && node.inputs[0] === graph.input) return node.weight;
  return undefined;
}

/**
 * The weight [out, in, kh, kw] of a first convolution for another number of input channels; undefined unless it is 3 → 1 or
 * 1 → 3. For one channel the three are summed, for three the one is repeated and divided by 3: a grey image that is repeated
 * in three equally normalised channels gives the same map either way.
 */
export function withChannels(weight: Parameter, channels: number): Parameter | undefined {
  const [outputs = 0, inputs = 0, height = 0, width = 0] = weight.shape;
  if (weight.shape.length !== 4 || inputs + channels !== 4 || inputs * channels !== 3) return undefined;
  const area = height * width;
  const data = new Float32Array(outputs * channels * area);
  for (let output = 0; output < outputs; output++) {
    for (let pixel = 0; pixel < area; pixel++) {
      const at = (count: number, channel: number) => (output * count + channel) * area + pixel;
      const value = (channel: number) => weight.data[at(inputs, channel)] ?? Number.NaN;
      if (channels === 1) data[at(1, 0)] = value(0) + value(1) + value(2);
      else for (let channel = 0; channel < 3; channel++) data[at(3, channel)] = value(0) / 3;
    }
  }
  return { shape: [outputs, channels, height, width], data };
}

/** A parameter [out, in, …] or [out] with its channels in the graph's order. */
export function reordered(parameter: Parameter, order: ChannelOrder): Parameter {
  const { shape, data } = parameter;
  const [outputs = 0, inputs = 1, ...rest] = shape;
  const area = rest.reduce((product, length) => product * length, 1);
  const moved = new Float32Array(data.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const from = (order.outputs?.[output] ?? output) * inputs + (order.inputs?.[input] ?? input);
      moved.set(data.subarray(from * area, (from + 1) * area), (output * inputs + input) * area);
    }
  }
  return { shape, data: moved };
}

/** A parameter in the graph's order with its channels in a weight file's: undoes `reordered`. */
export function restored(parameter: Parameter, { outputs, inputs }: ChannelOrder): Parameter {
  return reordered(parameter, {
    ...(outputs === undefined ? {} : { outputs: inverse(outputs) }),
    ...(inputs === undefined ? {} : { inputs: inverse(inputs) }),
  });
}

function inverse(order: readonly number[]): number[] {
  const places: number[] = [];
  for (const [index, place] of order.entries()) places[place] = index;
  return places;
}
