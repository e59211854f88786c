import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import type { NativeNetworkInput } from '../engine/addon.js';
import { Network, NO_AUGMENT } from '../engine/network.js';
import { assembleOptions } from '../features/assemble.js';
import type { FeatureStore } from '../features/store.js';
import { withClassifier } from '../model/classifier.js';
import type { LoadedModel } from '../model/registry.js';
import type { NetworkStrategy } from './freeze.js';
import { inverseWeights } from './label-weights.js';
import { nativeOptimizer } from './optimizer.js';
import type { AugmentSpec, NetworkSpec, TrialSpec } from './trial.js';
import type { ReadyTrial, TrialInputs } from './trial-rows.js';

/** What the trials of a unit of networks share. */
export interface NetworkTrialInputs extends TrialInputs {
  readonly model: LoadedModel;
  /** Activations at the cut, rows [C · H · W]; only for strategies that are trained from them. */
  readonly features?: FeatureStore;
}

/** A spec that trains a network. */
export type NetworkTrialSpec = TrialSpec & {
  readonly strategy: NetworkStrategy;
  readonly network: NetworkSpec;
};

export function isNetworkTrial(spec: TrialSpec): spec is NetworkTrialSpec {
  return spec.strategy !== 'extractor' && spec.network !== undefined;
}

/**
 * A trial's network with its initial weights: the source's, and a classifier drawn from the trial's seed. Its owner disposes
 * it. Throws MODEL or ENGINE, with the node, for a source that cannot be trained, STORE when its input cannot be mapped.
 */
export function openNetwork(
  inputs: NetworkTrialInputs,
  spec: NetworkTrialSpec,
  { subset }: Pick<ReadyTrial, 'subset'>,
): Network {
  const { task, model, images } = inputs;
  const { network, strategy } = spec;
  const input = strategy === 'full' ? imageInput(inputs, network) : featureInput(inputs, network);
  const stored = images.index.layout.size;
  const { graph, stages } = withClassifier(model, {
    size: input.kind === 'images' ? sideOf(input.augment, stored) : stored,
    cut: strategy === 'full' ? undefined : spec.cut,
    outputs: task.outputNames.length,
    dropout: spec.dropout,
    seed: spec.seed,
  });
  return Network.create({
    graph,
    stages,
    input,
    device: 'cpu',
    precision: network.precision,
    threads: inputs.threads ?? availableParallelism(),
    winograd: true,
    batch: spec.batch,
    loss: task.loss,
    optimizer: nativeOptimizer(spec.optimizer),
    normModes: stages.map(() => network.batchNorm),
    weightDecay: spec.weightDecay,
    decayAll: false,
    clipNorm: network.clipNorm,
    ...(spec.labelWeights === 'none' ? {} : inverseWeights(task, subset.rows)),
    memory: 'lean',
    seed: spec.seed,
  });
}

function imageInput({ images, model }: NetworkTrialInputs, { augment }: NetworkSpec): NativeNetworkInput {
  const { rows, layout } = images.index;
  return {
    kind: 'images',
    images: assembleOptions({ dataPath: images.dataPath, rows, layout }, model.card.input),
    augment: augment === 'none' ? NO_AUGMENT : augment,
  };
}

function featureInput({ features }: NetworkTrialInputs, { augment }: NetworkSpec): NativeNetworkInput {
  if (features === undefined) {
    throw new ThawError('RUNTIME', 'expected a feature store to train from, received none.');
  }
  if (augment !== 'none') {
    throw new ThawError(
      'CONFIG',
      'images cannot be augmented where training starts from stored activations.',
      {
        node: 'augment',
        hint: 'Set augment: none, or train with `strategy: full`.',
      },
    );
  }
  const { rows, shape, dtype } = features.index;
  const columns = shape.reduce((product, length) => product * length, 1);
  return { kind: 'features', features: { path: features.dataPath, rows, columns, dtype }, shape };
}

/** Side of the network's input in pixels. */
function sideOf({ size, resize }: AugmentSpec, stored: number): number {
  return size || resize || stored;
}
