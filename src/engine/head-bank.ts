import {
  addon,
  type HeadWeightsKind,
  type NativeHeadBank,
  type NativeHeadBankOptions,
  type NativeTrainResult,
} from './addon.js';
import { type NativeCallOptions, NativeOwner, translated } from './native-owner.js';

/** Linear layer on raw features: y = weight · x + bias. */
export interface HeadWeights {
  /** [outputs × features] */
  readonly weight: Float32Array;
  /** [outputs] */
  readonly bias: Float32Array;
}

/**
 * Many linear heads trained at once on one feature matrix, in C++ and off the event loop. One call at a time: a second one
 * throws BUSY at once. After an aborted `train` only `restore` and `dispose` are of use. Its owner calls `dispose`.
 */
export class HeadBank extends NativeOwner<NativeHeadBank> {
  private constructor(native: NativeHeadBank, file: string) {
    super(native, 'head bank', file);
  }

  /** Throws STORE when the feature file cannot be mapped, ENGINE for options that do not fit together. */
  static create(options: NativeHeadBankOptions): HeadBank {
    const { HeadBank: Native } = addon();
    const file = options.features.path;
    return new HeadBank(
      translated(file, () => new Native(options)),
      file,
    );
  }

  /**
   * Trains every head for up to `epochs` further epochs. Heads whose sample order has ended are left alone; a head whose
   * loss is not finite stops there (`failedStep`) and the others go on.
   */
  train(epochs: number, options: NativeCallOptions = {}): Promise<NativeTrainResult> {
    return this.abortable(options.signal, (native, abort) => native.train(epochs, abort));
  }

  /** Logits [heads × rows × outputs] without dropout, of the best snapshot or of the current weights. */
  infer(rows: Uint32Array, which: HeadWeightsKind, options: NativeCallOptions = {}): Promise<Float32Array> {
    return this.abortable(options.signal, (native, abort) => native.infer(rows, which, abort));
  }

  /** Weights as used on raw features: standardisation is folded in. */
  weights(head: number, which: HeadWeightsKind): HeadWeights {
    return this.call((native) => native.weights(head, which));
  }

  /** Sets the current weights of a head, given for raw features, and forgets its optimizer state. */
  load(head: number, weights: HeadWeights): void {
    this.call((native) => native.load(head, weights.weight, weights.bias));
  }

  /** From the next epoch on the learning rates of a head's table times this, at least 0. */
  setRateFactor(head: number, factor: number): void {
    this.call((native) => native.setRateFactor(head, factor));
  }

  /** What a network whose last layer has parameters of these names can `adopt`; not of standardised features. */
  trainingState(head: number, names: { readonly weight: string; readonly bias: string }): Uint8Array {
    return this.call((native) => native.trainingState(head, names.weight, names.bias));
  }

  /** Everything that training has changed; a bank made with the same options goes on from it bit for bit. */
  snapshot(): Uint8Array {
    return this.call((native) => native.snapshot());
  }

  restore(state: Uint8Array): void {
    this.call((native) => native.restore(state));
  }
}
