import { RandomStream, STREAM } from '../../src/base/random.js';
import type { NativeAugment, NativeTrainRequest } from '../../src/engine/addon.js';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { Network, type NetworkOptions } from '../../src/engine/network.js';
import type { Graph } from '../../src/model/graph.js';
import { findStages } from '../../src/model/stages.js';
import { densenet } from '../../src/model/zoo/densenet.js';
import { fileOf } from './bank.js';

export const ROWS = 40;
export const OUTPUTS = 3;
export const BATCH = 8;
const SIZE = 12;

/** A DenseNet of two blocks with a linear head, for images of 12 × 12. */
export function tinyGraph(): Graph {
  const layout = { stem: 'cifar', stemChannels: 16, growth: 12, blocks: [2, 2], compression: 0.5 } as const;
  return densenet('tiny', layout, { channels: 1, size: SIZE, classes: OUTPUTS, seed: 5 });
}

/** Images of noise, brighter where the first label is 1. */
function store(): { path: string; targets: Float32Array } {
  const random = new RandomStream(4, STREAM.phantom);
  const targets = Float32Array.from({ length: ROWS * OUTPUTS }, () => (random.uniform() < 0.5 ? 1 : 0));
  const pixels = Uint8Array.from({ length: ROWS * SIZE * SIZE }, (_, index) => {
    const label = targets[Math.floor(index / SIZE / SIZE) * OUTPUTS] as number;
    return random.integer(180) + 60 * label;
  });
  return { path: fileOf(pixels), targets };
}

export interface Trained {
  readonly network: Network;
  readonly targets: Float32Array;
}

export function tinyNetwork(
  changes: Partial<NetworkOptions> = {},
  augment: NativeAugment = NO_AUGMENT,
): Trained {
  const graph = changes.graph ?? tinyGraph();
  const { path, targets } = store();
  const network = Network.create({
    graph,
    stages: findStages(graph),
    input: {
      kind: 'images',
      images: {
        images: { path, rows: ROWS, columns: SIZE * SIZE, dtype: 'uint8' },
        size: SIZE,
        channels: 1,
        outputChannels: 1,
        order: 'RGB',
        scale: 1 / 255,
        mean: Float32Array.of(0.5),
        std: Float32Array.of(0.25),
      },
      augment,
    },
    device: 'cpu',
    precision: 'fp32',
    threads: 2,
    winograd: true,
    batch: BATCH,
    loss: 'bce',
    optimizer: { kind: 'adam', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
    normModes: findStages(graph).map(() => 'batch' as const),
    weightDecay: 1e-4,
    decayAll: false,
    clipNorm: 0,
    memory: 'lean',
    seed: 9,
    ...changes,
  });
  return { network, targets };
}

/** A pass over rows first … last − 1 in a fixed order, all stages trained unless told otherwise. */
export function passOver(
  { network, targets }: Trained,
  changes: { first?: number; last?: number; lr?: number; trained?: number; epoch?: number } = {},
): NativeTrainRequest {
  const { first = 0, last = ROWS, lr = 1e-3, epoch = 0 } = changes;
  const stages = network.stages.length;
  const trained = changes.trained ?? 2 ** stages - 1;
  const order = Uint32Array.from({ length: last - first }, (_, index) => ((first + index) * 7) % ROWS);
  const steps = Math.ceil(order.length / BATCH);
  return {
    order,
    targets,
    learningRates: new Float32Array(steps * stages).fill(lr),
    trainedStages: new Uint32Array(steps).fill(trained),
    epoch,
  };
}

export const allRows = Uint32Array.from({ length: ROWS }, (_, row) => row);
