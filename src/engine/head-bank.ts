import { messageOf, ThawError } from '../base/errors.js';
import {
  addon,
  type HeadWeightsKind,
  type NativeHeadBank,
  type NativeHeadBankOptions,
  type NativeTrainResult,
} from './addon.js';

export interface JobOptions {
  readonly signal?: AbortSignal;
}

/** Owner of one native head bank; `dispose` gives its memory back, and using it afterwards is an error. */
export class HeadBank {
  private constructor(private readonly native: NativeHeadBank) {}

  /** Maps the features and draws the initial weights. Throws ENGINE for options that do not fit, STORE for the file. */
  static create(options: NativeHeadBankOptions): HeadBank {
    const { HeadBank: Native } = addon();
    return new HeadBank(inEngine(() => new Native(options)));
  }

  /**
   * Trains every head for up to `epochs` further epochs. Throws BUSY while another call runs, ABORTED when stopped: the
   * heads are then at different steps and only `restore` makes the bank usable again.
   */
  train(epochs: number, options: JobOptions = {}): Promise<NativeTrainResult> {
    return this.job(options, (abort) => this.native.train(epochs, abort));
  }

  /** Logits [heads × rows × outputs] without dropout. Throws like `train`; the bank stays usable when stopped. */
  infer(rows: Uint32Array, which: HeadWeightsKind, options: JobOptions = {}): Promise<Float32Array> {
    return this.job(options, (abort) => this.native.infer(rows, which, abort));
  }

  /** Weight [outputs × features] and bias [outputs] of a head for raw features. */
  weights(head: number, which: HeadWeightsKind): { readonly weight: Float32Array; readonly bias: Float32Array } {
    return inEngine(() => this.native.weights(head, which));
  }

  /** Replaces the current weights of a head, given for raw features; its optimizer and best snapshot start anew. */
  load(head: number, weight: Float32Array, bias: Float32Array): void {
    inEngine(() => this.native.load(head, weight, bias));
  }

  /** Everything that training changed, restorable bit for bit in a bank made with the same options. */
  snapshot(): Uint8Array {
    return inEngine(() => this.native.snapshot());
  }

  restore(state: Uint8Array): void {
    inEngine(() => this.native.restore(state));
  }

  /** May be called again; throws BUSY while a call runs. */
  dispose(): void {
    inEngine(() => this.native.dispose());
  }

  private async job<Result>({ signal }: JobOptions, start: (abort: Int32Array) => Promise<Result>): Promise<Result> {
    const abort = new Int32Array(1);
    const stop = () => {
      abort[0] = 1;
    };
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await start(abort);
    } catch (error) {
      throw engineError(error);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}

function inEngine<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw engineError(error);
  }
}

/** The engine's error with this call's stack and, for its commonest causes, what to do. */
function engineError(cause: unknown): ThawError {
  const { code, node } = cause as { code?: ThawError['code']; node?: string };
  const hints: Partial<Record<ThawError['code'], string>> = {
    BUSY: 'Await the promise of the call before.',
    STORE: 'Delete the folder of the store; it will be made again.',
  };
  const hint = code === undefined ? undefined : hints[code];
  const place = code === 'STORE' ? { file: node ?? '' } : node === undefined ? {} : { node };
  return new ThawError(code ?? 'ENGINE', `${messageOf(cause)}.`, { ...place, cause, ...(hint === undefined ? {} : { hint }) });
}
