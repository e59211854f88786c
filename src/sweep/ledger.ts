import type { ErrorCode } from '../base/errors.js';
import type { TrialResult, TrialSpec } from '../train/trial.js';

export interface Versions {
  readonly thaw: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly instructionSet: string;
}

interface RowBase {
  readonly trial: string;
  readonly spec: TrialSpec;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly worker: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly versions: Versions;
}

export interface OkRow extends RowBase {
  readonly status: 'ok';
  readonly result: TrialResult;
}

export interface FailedRow extends RowBase {
  readonly status: 'failed';
  readonly error: { readonly code: ErrorCode | 'UNKNOWN'; readonly message: string; readonly step?: number };
}

/** One line of `ledger/<worker>.jsonl`. */
export type LedgerRow = OkRow | FailedRow;
