import { type ErrorCode, messageOf, ThawError } from '../base/errors.js';

export interface NativeCallOptions {
  /** Read between steps; the call then rejects with ABORTED (or with the ThawError that the signal carries). */
  readonly signal?: AbortSignal;
}

/**
 * Owner of one native object: its calls with the addon's errors in the project's form, abortable ones, and its disposal.
 * `await using` disposes; a call after that throws ENGINE, one while another is at work throws BUSY.
 */
export abstract class NativeOwner<Native extends { dispose(): void }> implements AsyncDisposable {
  private native: Native | undefined;
  private pending: Promise<unknown> = Promise.resolve();

  /** `what` names the object in messages, `file` is where its data lie. */
  protected constructor(
    native: Native,
    private readonly what: string,
    private readonly file: string,
  ) {
    this.native = native;
  }

  /** Frees the native memory; further calls but this one throw. Throws BUSY while a call is at work. */
  dispose(): void {
    if (this.native === undefined) return;
    this.call((native) => native.dispose());
    this.native = undefined;
  }

  /** Waits for the call that is at work, then disposes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.pending.catch(() => {});
    this.dispose();
  }

  protected call<T>(work: (native: Native) => T): T {
    const native = this.native;
    if (native === undefined) {
      throw new ThawError('ENGINE', `this ${this.what} has been disposed.`, { hint: 'Create a new one.' });
    }
    return translated(this.file, () => work(native));
  }

  /** A job without abort. */
  protected job<T>(work: (native: Native) => Promise<T>): Promise<T> {
    const promise = this.call(work).catch((error: unknown) => {
      throw thawError(error, this.file);
    });
    this.pending = promise;
    return promise;
  }

  protected abortable<T>(
    signal: AbortSignal | undefined,
    work: (native: Native, abort: Int32Array) => Promise<T>,
  ): Promise<T> {
    return abortableCall(signal, (abort) => this.job((native) => work(native, abort)));
  }
}

/** A call that reads a flag, which the signal sets; rejects with the ThawError that the signal carries, where it does. What the
 * addon throws at once (BUSY, ENGINE) is thrown at once. */
export function abortableCall<T>(
  signal: AbortSignal | undefined,
  work: (abort: Int32Array) => Promise<T>,
): Promise<T> {
  const abort = new Int32Array([signal?.aborted === true ? 1 : 0]);
  const stop = () => {
    abort[0] = 1;
  };
  const promise = translated('', () => work(abort));
  signal?.addEventListener('abort', stop, { once: true });
  return promise
    .catch((error: unknown) => {
      if (signal?.aborted === true && signal.reason instanceof ThawError) throw signal.reason;
      throw thawError(error, '');
    })
    .finally(() => signal?.removeEventListener('abort', stop));
}

/** Calls into the addon; its errors come out in the project's form. */
export function translated<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw thawError(error, file);
  }
}

const codes: readonly string[] = ['ENGINE', 'STORE', 'BUSY', 'ABORTED', 'NON_FINITE'] satisfies ErrorCode[];

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
