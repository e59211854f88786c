import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import type { NativeNetworkInput } from '../engine/addon.js';
import { NO_AUGMENT } from '../engine/augment.js';
import { Network } from '../engine/network.js';
import { assembleOptions } from '../features/assemble.js';
import type { FeatureStore } from '../features/store.js';
import { augmentedSide, nativeView, viewKey, viewSide } from '../features/view.js';
import { type ClassifyingNetwork, withClassifier } from '../model/classifier.js';
import { randomised } from '../model/randomise.js';
import type { LoadedModel } from '../model/registry.js';
import type { NetworkStrategy } from './freeze.js';
import { balancingWeights } from './label-weights.js';
import { nativeOptimizer } from './optimizer.js';
import { storedViews, viewsOf } from './test-views.js';
import type { NetworkSpec, TrialSpec } from './trial.js';
import type { ReadyTrial, TrialInputs } from './trial-rows.js';

/** What the trials of a unit of networks share. */
export interface NetworkTrialInputs extends TrialInputs {
  readonly model: LoadedModel;
  /** Activations at the cut, rows [C · H · W]; only for strategies that are trained from them. */
  readonly features?: FeatureStore;
  /** Activations by cut, from which other strategies train while nothing before the cut has changed. */
  readonly activations?: ReadonlyMap<string, FeatureStore>;
}

type InputOf<Kind> = Extract<NativeNetworkInput, { readonly kind: Kind }>;

/** A spec that trains a network. */
export type NetworkTrialSpec = TrialSpec & {
  readonly strategy: NetworkStrategy;
  readonly network: NetworkSpec;
};

export function isNetworkTrial(spec: TrialSpec): spec is NetworkTrialSpec {
  return spec.strategy !== 'extractor' && spec.network !== undefined;
}

/** The graph of a trial's network with its initial weights, or of the part behind a cut. Throws MODEL. */
export function networkOf(
  { task, model, images }: Pick<NetworkTrialInputs, 'task' | 'model' | 'images'>,
  spec: NetworkTrialSpec,
  cut = spec.strategy === 'last-block' ? spec.cut : undefined,
): ClassifyingNetwork {
  const { network, strategy } = spec;
  const source = strategy === 'none' ? { ...model, graph: randomised(model.graph, spec.seed) } : model;
  const augment = network.augment === 'none' ? NO_AUGMENT : network.augment;
  return withClassifier(source, {
    size: augmentedSide(augment, images.index.layout.size),
    cut,
    outputs: task.outputNames.length,
    dropout: spec.dropout,
    denseDropout: network.denseDropout,
    seed: spec.seed,
  });
}

/** Names of the stages of a trial's network, its head last. Throws MODEL. */
export function stageNames(inputs: NetworkTrialInputs, spec: NetworkTrialSpec): readonly string[] {
  // Weights have no say in it, and to draw those of `none` takes a while.
  const { stages } = networkOf(inputs, spec.strategy === 'none' ? { ...spec, strategy: 'full' } : spec);
  return stages.map(({ name }) => name);
}

/**
 * A trial's network with its initial weights: the source's, and a classifier drawn from the trial's seed; or, of the same
 * network, the part behind a cut, on its stored activations. Its owner disposes it. Throws MODEL or ENGINE, with the node, for a
 * source that cannot be trained, STORE when its input cannot be mapped.
 */
export function openNetwork(
  inputs: NetworkTrialInputs,
  spec: NetworkTrialSpec,
  { subset }: Pick<ReadyTrial, 'subset'>,
  cut?: string,
): Network {
  const { network, strategy } = spec;
  const { graph, stages } = networkOf(inputs, spec, cut);
  return Network.create({
    graph,
    stages,
    input: cut === undefined ? wholeInput(inputs, strategy, network) : featureMatrix(storeAt(inputs, cut)),
    device: 'cpu',
    precision: network.precision,
    threads: inputs.threads ?? availableParallelism(),
    winograd: true,
    batch: spec.batch,
    loss: inputs.task.loss,
    optimizer: nativeOptimizer(spec.optimizer),
    normModes: stages.map(() => network.batchNorm),
    weightDecay: spec.weightDecay,
    decayAll: false,
    clipNorm: network.clipNorm,
    ...(spec.ema === undefined ? {} : { averageDecay: spec.ema }),
    ...balancingWeights(spec.labelWeights, inputs.task, subset.rows),
    memory: 'lean',
    seed: spec.seed,
  });
}

function storeAt({ activations }: NetworkTrialInputs, cut: string): FeatureStore {
  const store = activations?.get(cut);
  if (store !== undefined) return store;
  throw new ThawError('RUNTIME', 'expected stored activations at a cut, received none.', { node: cut });
}

function wholeInput(
  inputs: NetworkTrialInputs,
  strategy: NetworkTrialSpec['strategy'],
  network: NetworkSpec,
) {
  return strategy === 'last-block' ? featureInput(inputs, network) : imageInput(inputs, network);
}

/**
 * What a trial's network is shown in evaluation, one input a view; `own` is what it is validated on while it trains. Throws
 * CONFIG for a view of another size than the network's input.
 */
export function viewInputs(
  inputs: NetworkTrialInputs,
  spec: NetworkTrialSpec,
): readonly ('own' | NativeNetworkInput)[] {
  const { images, features } = inputs;
  const stored = images.index.layout.size;
  const augment = spec.network.augment === 'none' ? NO_AUGMENT : spec.network.augment;
  const side = spec.strategy === 'last-block' ? stored : augmentedSide(augment, stored);
  const others = storedViews(spec).slice(1).map(viewKey);
  return viewsOf(spec).map((view) => {
    if (view === 'identity') return 'own';
    const size = view === 'hflip' ? side : viewSide(view, stored);
    if (size !== side) {
      throw new ThawError(
        'CONFIG',
        `expected views of ${side} × ${side} pixels, as the network is trained on, received ${size} × ${size}.`,
        { node: 'testViews', hint: 'Give `testViews.augment` the size of the training images.' },
      );
    }
    if (features !== undefined) return featureMatrix(inputs.otherViews![others.indexOf(viewKey(view))]!);
    return { kind: 'view', images: imageStoreInput(inputs), view: nativeView(view, augment) };
  });
}

function imageStoreInput({ images, model }: NetworkTrialInputs) {
  const { rows, layout } = images.index;
  return assembleOptions({ dataPath: images.dataPath, rows, layout }, model.card.input);
}

function imageInput(inputs: NetworkTrialInputs, { augment }: NetworkSpec): InputOf<'images'> {
  return {
    kind: 'images',
    images: imageStoreInput(inputs),
    augment: augment === 'none' ? NO_AUGMENT : augment,
  };
}

function featureMatrix({ index, dataPath }: FeatureStore): InputOf<'features'> {
  const { rows, shape, dtype } = index;
  const columns = shape.reduce((product, length) => product * length, 1);
  return { kind: 'features', features: { path: dataPath, rows, columns, dtype }, shape };
}

function featureInput({ features }: NetworkTrialInputs, { augment }: NetworkSpec): InputOf<'features'> {
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
  return featureMatrix(features);
}
