import { type ErrorCode, messageOf, ThawError } from '../base/errors.js';
import {
  addon,
  type HeadWeightsKind,
  type NativeHeadBank,
  type NativeHeadBankOptions,
  type NativeTrainResult,
} from './addon.js';

export interface HeadBankCallOptions {
  /** Read between steps; the call then rejects with ABORTED (or with the ThawError that the signal carries). */
  readonly signal?: AbortSignal;
}

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
export class HeadBank {
  private constructor(
    private native: NativeHeadBank | undefined,
    private readonly file: string,
  ) {}

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
  train(epochs: number, options: HeadBankCallOptions = {}): Promise<NativeTrainResult> {
    return this.abortable(options.signal, (native, abort) => native.train(epochs, abort));
  }

  /** Logits [heads × rows × outputs] without dropout, of the best snapshot or of the current weights. */
  infer(rows: Uint32Array, which: HeadWeightsKind, options: HeadBankCallOptions = {}): Promise<Float32Array> {
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

  /** Everything that training has changed; a bank made with the same options goes on from it bit for bit. */
  snapshot(): Uint8Array {
    return this.call((native) => native.snapshot());
  }

  restore(state: Uint8Array): void {
    this.call((native) => native.restore(state));
  }

  /** Frees the native memory; further calls but this one throw. Throws BUSY while a call is at work. */
  dispose(): void {
    if (this.native === undefined) return;
    this.call((native) => native.dispose());
    this.native = undefined;
  }

  private call<T>(work: (native: NativeHeadBank) => T): T {
    const native = this.native;
    if (native === undefined) {
      throw new ThawError('ENGINE', 'this head bank has been disposed.', { hint: 'Create a new one.' });
    }
    return translated(this.file, () => work(native));
  }

  private abortable<T>(
    signal: AbortSignal | undefined,
    work: (native: NativeHeadBank, abort: Int32Array) => Promise<T>,
  ): Promise<T> {
    const abort = new Int32Array([signal?.aborted === true ? 1 : 0]);
    const stop = () => {
      abort[0] = 1;
    };
    const promise = this.call((native) => work(native, abort));
    signal?.addEventListener('abort', stop, { once: true });
    return promise
      .catch((error: unknown) => {
        if (signal?.aborted === true && signal.reason instanceof ThawError) throw signal.reason;
        throw thawError(error, this.file);
      })
      .finally(() => signal?.removeEventListener('abort', stop));
  }
}

function translated<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw thawError(error, file);
  }
}

const codes: readonly string[] = ['ENGINE', 'STORE', 'BUSY', 'ABORTED'] satisfies ErrorCode[];

const hints: Partial<Record<ErrorCode, string>> = {
  BUSY: 'Await the promise of the call before.',
  STORE: 'Delete the folder of the store; it is then made again.',
};

/** An error of the addon (`code`, `node`) in the project's form, with the call stack of its own creation as cause. */
function thawError(error: unknown, file: string): ThawError {
  if (error instanceof ThawError) return error;
  const { code: given, node } = error as { code?: string; node?: string };
  const code = (codes.includes(given ?? '') ? given : 'ENGINE') as ErrorCode;
  const place = code === 'STORE' ? { file } : node === undefined ? {} : { node };
  const hint = hints[code];
  return new ThawError(code, messageOf(error), {
    ...place,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}
