import { throwIfAborted } from '../base/abort.js';
import type { NativePassResult, NativeTrainRequest } from '../engine/addon.js';
import type { Network } from '../engine/network.js';
import type { TrainedNetwork } from '../train/network-training.js';
import { passPart } from '../train/pass-part.js';

/** A pass over an epoch's images that has been begun. */
export interface BegunPass {
  readonly epoch: number;
  /** Of the steps that were done. */
  readonly losses: Float64Array;
}

export interface PartOptions {
  readonly batch: number;
  /** Where an earlier process has stopped within an epoch; the network is in that state. */
  readonly begun?: BegunPass | undefined;
  /** About how long a part takes; its first one is a single step. */
  readonly secondsPerPart: number;
  readonly signal: AbortSignal;
  /** Awaited after each part. */
  readonly onPart: (pass: BegunPass, images: number) => Promise<void>;
}

/**
 * A network that is trained in parts of a few seconds, between which the training can be written down or stopped. As random numbers
 * count steps and epochs, it makes no difference to a bit where a pass is divided.
 */
export class NetworkInParts implements TrainedNetwork {
  private begun: BegunPass | undefined;
  private stepsPerPart = 1;

  constructor(
    private readonly network: Network,
    private readonly options: PartOptions,
  ) {
    this.begun = options.begun;
  }

  get stages(): readonly string[] {
    return this.network.stages;
  }

  weights(): Map<string, Float32Array> {
    return this.network.weights();
  }

  loadAll(weights: ReadonlyMap<string, Float32Array>): void {
    this.network.loadAll(weights);
  }

  infer(...call: Parameters<Network['infer']>): Promise<Float32Array> {
    return this.network.infer(...call);
  }

  /** One pass, the steps that an earlier process did left out. Throws ABORTED between two parts. */
  async train(request: NativeTrainRequest): Promise<NativePassResult> {
    const { batch, signal, onPart } = this.options;
    const steps = request.trainedStages.length;
    const losses = new Float64Array(steps);
    let done = 0;
    if (this.begun?.epoch === request.epoch) {
      losses.set(this.begun.losses);
      done = this.begun.losses.length;
    }
    this.begun = undefined;
    const seconds = { assembleSeconds: 0, forwardSeconds: 0, backwardSeconds: 0, updateSeconds: 0 };
    while (done < steps) {
      throwIfAborted(signal, 'The training can go on later.');
      const started = performance.now();
      const count = Math.min(this.stepsPerPart, steps - done);
      const part = passPart(request, { first: done, count, batch });
      const result = await this.network.train(part);
      losses.set(result.losses, done);
      done += count;
      for (const key of Object.keys(seconds) as (keyof typeof seconds)[]) seconds[key] += result[key];
      this.adapt(count, (performance.now() - started) / 1000);
      await onPart({ epoch: request.epoch, losses: losses.slice(0, done) }, part.order.length);
    }
    return { losses, ...seconds };
  }

  private adapt(steps: number, seconds: number): void {
    const wanted = Math.round((steps * this.options.secondsPerPart) / Math.max(seconds, 1e-6));
    this.stepsPerPart = Math.max(1, Math.min(wanted, 4 * this.stepsPerPart));
  }
}
