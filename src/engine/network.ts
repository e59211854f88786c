import type { Graph } from '../model/graph.js';
import type { Stage } from '../model/stages.js';
import {
  addon,
  type NativeNetwork,
  type NativeNetworkInput,
  type NativeNetworkOptions,
  type NativePassResult,
  type NativeTrainRequest,
} from './addon.js';
import { nativeGraph } from './native-graph.js';
import { type NativeCallOptions, NativeOwner, translated } from './native-owner.js';

export interface NetworkOptions extends Omit<NativeNetworkOptions, 'graph'> {
  /** Ends in one vector of logits an image; its weights are the ones that training starts from. */
  readonly graph: Graph;
  /** Groups of layers that are frozen and unfrozen together, in order; they cover the graph. */
  readonly stages: readonly Pick<Stage, 'name' | 'nodes'>[];
}

/**
 * A network, or the part of one behind a cut, in training: in C++ and off the event loop. Which stages are trained may
 * change from step to step. One call at a time: a second one throws BUSY at once. Its owner disposes it (`await using`).
 */
export class Network extends NativeOwner<NativeNetwork> {
  private constructor(
    native: NativeNetwork,
    file: string,
    /** Names of the stages, in the order of the bits of `trainedStages`. */
    readonly stages: readonly string[],
    private readonly parameters: readonly string[],
  ) {
    super(native, 'network', file);
  }

  /** Throws ENGINE, with the node, for a graph that the engine cannot train; STORE when the input cannot be mapped. */
  static create(options: NetworkOptions): Network {
    const { Network: Native } = addon();
    const { graph, stages, ...rest } = options;
    const file = rest.input.kind === 'features' ? rest.input.features.path : rest.input.images.images.path;
    const native = nativeGraph(graph, stages);
    const names = native.parameters.map(({ name }) => name);
    const network = new Network(
      translated(file, () => new Native({ ...rest, graph: native })),
      file,
      stages.map(({ name }) => name),
      names,
    );
    for (const name of names) network.load(name, graph.parameters.get(name)!.data);
    return network;
  }

  /** Trains one pass over the rows of a request; `NON_FINITE` and `ABORTED` leave the network usable. */
  train(request: NativeTrainRequest, options: NativeCallOptions = {}): Promise<NativePassResult> {
    return this.abortable(options.signal, (native, abort) => native.train(request, abort));
  }

  /**
   * Logits [rows × outputs] in inference form: running statistics, no dropout, no augmentation. `input` shows other
   * activations or another view of the images than those that the network is trained on.
   */
  infer(
    rows: Uint32Array,
    options: NativeCallOptions & { readonly input?: NativeNetworkInput } = {},
  ): Promise<Float32Array> {
    const { signal, input } = options;
    return this.abortable(signal, (native, abort) => native.infer(rows, abort, input));
  }

  /** Sets a parameter, and its average where it has one. */
  load(parameter: string, values: Float32Array): void {
    this.call((native) => native.load(parameter, values));
  }

  /** What training goes on from. */
  read(parameter: string): Float32Array {
    return this.call((native) => native.read(parameter));
  }

  /** Gradient of the last step; zeros or an older one where it was not trained in that. */
  readGradient(parameter: string): Float32Array {
    return this.call((native) => native.readGradient(parameter));
  }

  /** Names of all parameters. */
  get parameterNames(): readonly string[] {
    return this.parameters;
  }

  /** Loads several parameters by name. */
  loadAll(weights: ReadonlyMap<string, Float32Array>): void {
    for (const [name, values] of weights) this.load(name, values);
  }

  /** All weights and running statistics by name, averaged where they are: what inference computes with. */
  weights(): Map<string, Float32Array> {
    return new Map(
      this.parameters.map((name) => [name, this.call((native) => native.readAverage(name))] as const),
    );
  }

  /** Everything that training has changed; a network made with the same options goes on from it bit for bit. */
  snapshot(): Promise<Uint8Array> {
    return this.job((native) => native.snapshot());
  }

  restore(state: Uint8Array): Promise<void> {
    return this.job((native) => native.restore(state));
  }

  /**
   * Goes on from the snapshot of a network of this one's last stages, or from the training state of a head: their weights,
   * moments and counters; all else stays as it is. Throws ENGINE for a state that does not belong here.
   */
  adopt(state: Uint8Array): Promise<void> {
    return this.job((native) => native.adopt(state));
  }

  /** Optimizer steps done. */
  get steps(): number {
    return this.call((native) => native.steps());
  }

  /** Bytes that the network has taken outside V8's heap. */
  get bytes(): number {
    return this.call((native) => native.bytes());
  }
}
