import type { NativeNetworkInput, NativePassResult, NativeTrainRequest } from '../engine/addon.js';
import type { NativeCallOptions } from '../engine/native-owner.js';
import type { Network } from '../engine/network.js';
import type { TrainedNetwork } from './network-training.js';
import { passPart } from './pass-part.js';
import type { Phase } from './phases.js';

export interface PhasedOptions {
  /** Names of the whole network's stages. */
  readonly stages: readonly string[];
  /** In order; they cover all steps. */
  readonly phases: readonly Phase[];
  readonly batch: number;
  /** Makes the part of the network behind a cut, or the whole one, with its initial weights. */
  readonly open: (cut: string | undefined) => Network;
  /** Steps that were done before, and the state after them. */
  readonly start?: { readonly step: number; readonly state: Uint8Array } | undefined;
}

/**
 * A network in training that is, phase by phase, only as large as what is trained: the part behind a cut, from stored
 * activations, then a larger one that goes on with the weights, moments and counters of the smaller. To its user it is the
 * whole network: tables have a column for each stage, rows are those of the images. Its owner disposes it.
 */
export class PhasedNetwork implements TrainedNetwork, AsyncDisposable {
  readonly stages: readonly string[];
  private network: Network | undefined;
  private cut: string | undefined;
  private step: number;
  /** What the next network begins with. */
  private state: Uint8Array | undefined;

  constructor(private readonly options: PhasedOptions) {
    this.stages = options.stages;
    this.step = options.start?.step ?? 0;
    this.state = options.start?.state;
  }

  get phases(): readonly Phase[] {
    return this.options.phases;
  }

  /** Optimizer steps done. */
  get steps(): number {
    return this.step;
  }

  /** The whole network, as training begins with it. */
  whole(): Promise<Network> {
    return this.at(undefined);
  }

  async train(request: NativeTrainRequest, call: NativeCallOptions = {}): Promise<NativePassResult> {
    const steps = request.trainedStages.length;
    const results: NativePassResult[] = [];
    for (let done = 0; done < steps; ) {
      const phase = this.phaseOf(this.step);
      const count = Math.min(steps - done, phase.end - this.step);
      const network = await this.at(phase.cut);
      const part = this.partOf(request, done, count, phase);
      try {
        results.push(await network.train(part, call));
      } finally {
        this.step = network.steps;
      }
      done += count;
    }
    return joined(results);
  }

  async infer(
    rows: Uint32Array,
    call: NativeCallOptions & { readonly input?: NativeNetworkInput } = {},
  ): Promise<Float32Array> {
    const own = this.network === undefined ? this.phaseOf(this.step).cut : this.cut;
    // Another view of the images is one of the whole network's input.
    const network = await this.at(call.input?.kind === 'view' ? undefined : own);
    return network.infer(rows, call);
  }

  /** Those that the part in hand has; all others are as they were in the beginning. */
  weights(): Map<string, Float32Array> {
    return this.network!.weights();
  }

  /** Puts `weights()` of an earlier step back; the network is then the smallest part that has all of them. */
  loadAll(weights: ReadonlyMap<string, Float32Array>): void {
    for (const { cut } of this.options.phases) {
      if (this.network === undefined || cut !== this.cut) this.open(cut);
      const names = new Set(this.network!.parameterNames);
      if ([...weights.keys()].every((name) => names.has(name))) break;
    }
    this.network!.loadAll(weights);
  }

  /** What a network of the same trial can start from. */
  async snapshot(): Promise<Uint8Array> {
    return this.network === undefined ? this.state! : this.network.snapshot();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network?.[Symbol.asyncDispose]();
    this.network = undefined;
  }

  /** The phase that a step belongs to; after the last step the last one. */
  private phaseOf(step: number): Phase {
    const { phases } = this.options;
    return phases.find(({ end }) => step < end) ?? phases.at(-1)!;
  }

  /** The network behind a cut, with the state of the one before it. */
  private async at(cut: string | undefined): Promise<Network> {
    if (this.network !== undefined && this.cut === cut) return this.network;
    if (this.network !== undefined && this.step > 0) this.state = await this.network.snapshot();
    this.open(cut);
    if (this.state !== undefined) await this.network!.adopt(this.state);
    this.state = undefined;
    return this.network!;
  }

  private open(cut: string | undefined): void {
    this.close();
    this.network = this.options.open(cut);
    this.cut = cut;
  }

  private close(): void {
    this.network?.dispose();
    this.network = undefined;
  }

  private partOf(
    request: NativeTrainRequest,
    first: number,
    count: number,
    { stage }: Phase,
  ): NativeTrainRequest {
    const part = passPart(request, { first, count, batch: this.options.batch });
    if (stage === 0) return part;
    return {
      ...part,
      learningRates: columnsFrom(stage, part.learningRates, this.stages.length),
      trainedStages: part.trainedStages.map((mask) => mask >>> stage),
    };
  }
}

/** A table [rows × stages] without the columns of the first stages. */
function columnsFrom(stage: number, table: Float32Array, stages: number): Float32Array {
  const columns = stages - stage;
  const part = new Float32Array((table.length / stages) * columns);
  for (let row = 0; row * stages < table.length; row++)
    part.set(table.subarray(row * stages + stage, (row + 1) * stages), row * columns);
  return part;
}

function joined(results: readonly NativePassResult[]): NativePassResult {
  const [first, ...others] = results as [NativePassResult, ...NativePassResult[]];
  if (others.length === 0) return first;
  const sum = (key: 'assembleSeconds' | 'forwardSeconds' | 'backwardSeconds' | 'updateSeconds'): number =>
    results.reduce((total, result) => total + result[key], 0);
  return {
    losses: Float64Array.from(results.flatMap(({ losses }) => [...losses])),
    assembleSeconds: sum('assembleSeconds'),
    forwardSeconds: sum('forwardSeconds'),
    backwardSeconds: sum('backwardSeconds'),
    updateSeconds: sum('updateSeconds'),
  };
}
