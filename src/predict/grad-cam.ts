import { ThawError } from '../base/errors.js';
import type { SessionOptions } from '../features/session.js';
import { inFile } from '../model/fault.js';
import type { Graph } from '../model/graph.js';
import { usedParameters } from '../model/graph.js';
import { findTrunk, nodesBefore } from '../model/stages.js';
import type { ImageReading } from './exported-model.js';
import { HeadChain } from './head-chain.js';
import { ImageNetwork, inputSide, type PixelFile } from './network.js';
import type { PredictingModel } from './open-model.js';

/** Where in an image a network sees a label, on the grid of its last map. */
export interface HeatMap {
  readonly width: number;
  readonly height: number;
  /** [height × width], at least 0. */
  readonly values: Float64Array;
}

/**
 * Grad-CAM (Selvaraju et al., ICCV 2017, arXiv 1610.02391): the last map A [K, H, W] before pooling, weighted by the mean
 * gradient of a logit, ReLU(Σ_k α_k A_k) with α_k = mean_ij ∂y/∂A_kij. For a network of pooling and a linear layer α_k is the
 * layer's weight by H · W, which makes it the class activation map of Zhou et al. 2016 up to that factor.
 */
export function gradCam(chain: HeadChain, map: Float32Array, output: number): HeatMap {
  return heatMapOf(chain.mapShape, map, chain.at(map).gradient(output));
}

function heatMapOf(
  [channels, height, width]: readonly [number, number, number],
  map: Float32Array,
  gradient: Float64Array,
): HeatMap {
  const area = height * width;
  const values = new Float64Array(area);
  for (let channel = 0; channel < channels; channel++) {
    let weight = 0;
    for (let place = 0; place < area; place++) weight += gradient[channel * area + place]! / area;
    for (let place = 0; place < area; place++) values[place]! += weight * map[channel * area + place]!;
  }
  return { width, height, values: values.map((value) => Math.max(0, value)) };
}

/** Heat maps of a model's labels. Its owner disposes it (`await using`). */
export class HeatMapper implements AsyncDisposable {
  private constructor(
    private readonly network: ImageNetwork,
    private readonly chain: HeadChain,
  ) {}

  /** Throws MODEL, with the node, for a network whose head is none that can be differentiated (`HeadChain`). */
  static async open({ graph, reading, file }: PredictingModel, options: SessionOptions): Promise<HeatMapper> {
    const shown: ImageReading = { ...reading, views: ['identity'] };
    const side = inputSide('identity', shown);
    const [channels = 0] = graph.inputShape;
    const sized: Graph = { ...graph, inputShape: [channels, side, side] };
    const { end, chain } = inFile(file, () => {
      const trunk = findTrunk(sized);
      return { end: trunk.end, chain: HeadChain.behind(sized, trunk.end) };
    });
    const nodes = nodesBefore(sized, end);
    if (nodes.length === 0)
      throw new ThawError('MODEL', 'no layer lies before the last map.', { file, node: end });
    const parameters = usedParameters(nodes, sized.parameters);
    const network = await ImageNetwork.open(
      { graph: { ...sized, output: end, nodes, parameters }, reading: shown, file },
      { ...options, batch: 1 },
    );
    return new HeatMapper(network, chain);
  }

  /** Heat maps of some outputs for the first of some stored images, seen as it is. */
  async run(pixels: PixelFile, outputs: readonly number[]): Promise<HeatMap[]> {
    const map = await this.network.run(pixels, Uint32Array.of(0));
    const head = this.chain.at(map);
    return outputs.map((output) => heatMapOf(this.chain.mapShape, map, head.gradient(output)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
  }
}
