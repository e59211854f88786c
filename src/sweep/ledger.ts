import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, messageOf } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { TrialResult, TrialSpec } from '../train/trial.js';
import { AppendFile } from './append-file.js';

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
  /** Of the worker that trained it, on which the last bits of a network depend; absent in rows of earlier versions. */
  readonly threads?: number;
  /** The data set that the source's weights have seen images of, where the test images may be among them. */
  readonly seenData?: string;
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

/** A name that no other worker process has: host, process id and the time it started. */
export function uniqueWorkerName(host = hostname(), pid = process.pid, startedAt = Date.now()): string {
  return `${host.replaceAll(/[^A-Za-z0-9-]/g, '_')}-${pid}-${startedAt.toString(36)}`;
}

/**
 * The one writer of `ledger/<worker>.jsonl`. Rows asked for while an earlier batch is being flushed share the next flush,
 * so many small appends cost few disk syncs.
 */
export class LedgerWriter {
  private waiting: LedgerRow[] = [];
  private batch: Promise<void> | undefined;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    readonly worker: string,
    private readonly file: AppendFile,
  ) {}

  /** Claims `ledger/<worker>.jsonl` of a run folder; a ThawError IO when the worker's name is taken. */
  static async open(runFolder: string, worker: string): Promise<LedgerWriter> {
    return new LedgerWriter(worker, await AppendFile.create(join(runFolder, 'ledger', `${worker}.jsonl`)));
  }

  /** Resolves when the row is on the disk; rejects with a ThawError IO when it is not (rows before it are safe). */
  append(row: LedgerRow): Promise<void> {
    return this.appendAll([row]);
  }

  /** Resolves when all rows are on the disk, with one sync for all. */
  appendAll(rows: readonly LedgerRow[]): Promise<void> {
    for (const row of rows) this.waiting.push(row);
    this.batch ??= this.running.then(() => this.writeWaiting());
    this.running = this.batch.catch(() => {});
    return this.batch;
  }

  private async writeWaiting(): Promise<void> {
    const rows = this.waiting;
    this.waiting = [];
    this.batch = undefined;
    await this.file.append(Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
    await this.file.flush();
  }

  /** Waits for what was asked for and gives the file up. */
  async close(): Promise<void> {
    await this.running;
    await this.file.close();
  }
}

/** The one writer of `predictions/<worker>.bin`; call `flush` before a ledger row refers to what was appended. */
export class PredictionWriter {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    /** Path relative to the run folder, as ledger rows name it. */
    readonly name: string,
    private readonly file: AppendFile,
  ) {}

  static async open(runFolder: string, worker: string): Promise<PredictionWriter> {
    const name = `predictions/${worker}.bin`;
    return new PredictionWriter(name, await AppendFile.create(join(runFolder, name)));
  }

  /** Appends float16 logits; resolves to where they lie (path relative to the run folder, offset in bytes). */
  append(bytes: Uint8Array): Promise<{ file: string; offset: number }> {
    return this.inTurn(async () => ({ file: this.name, offset: await this.file.append(bytes) }));
  }

  /** Resolves when everything appended before is on the disk. */
  flush(): Promise<void> {
    return this.inTurn(() => this.file.flush());
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => {});
    return result;
  }
}

/** What resume needs to know of a trial. */
export type TrialState = Pick<LedgerRow, 'status' | 'attempt'>;

export interface LedgerLine {
  /** Path of the ledger file. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

export interface LedgerFaults {
  /** Last lines that end in the middle: a process was killed while it wrote. Their trials run again. */
  readonly tornLines: readonly LedgerLine[];
  /** Whole lines that are no ledger rows; left out, to be told to the user. */
  readonly invalidLines: readonly (LedgerLine & { readonly reason: string })[];
  /** Further `ok` rows of trials that had one; the first counts. */
  readonly duplicates: number;
}

export interface Ledger extends LedgerFaults {
  /** One row a trial, in order of first appearance: its first `ok` row, or else its latest failure. */
  readonly rows: readonly LedgerRow[];
  readonly byTrial: ReadonlyMap<string, LedgerRow>;
}

/** Reads all ledger files of a run folder; a run without a ledger has no rows. Throws a ThawError IO. */
export async function readLedger(runFolder: string): Promise<Ledger> {
  const { byTrial, ...faults } = await collect(runFolder, (row) => row);
  return { ...faults, byTrial, rows: [...byTrial.values()] };
}

/** Like `readLedger`, but keeps no more than each trial's state: what resuming a sweep of many thousand trials needs. */
export function readTrialStates(
  runFolder: string,
): Promise<LedgerFaults & { readonly byTrial: ReadonlyMap<string, TrialState> }> {
  return collect<TrialState>(runFolder, ({ status, attempt }) => ({ status, attempt }));
}

/** The trials that are still to run: those without an `ok` row, and without a failure unless `retryFailed`. */
export function pendingTrials(
  ids: Iterable<string>,
  ledger: { readonly byTrial: ReadonlyMap<string, TrialState> },
  { retryFailed = false }: { readonly retryFailed?: boolean } = {},
): string[] {
  return [...ids].filter((id) => {
    const state = ledger.byTrial.get(id);
    return state === undefined || (retryFailed && state.status === 'failed');
  });
}

async function collect<State extends TrialState>(runFolder: string, keep: (row: LedgerRow) => State) {
  const byTrial = new Map<string, State>();
  const tornLines: LedgerLine[] = [];
  const invalidLines: (LedgerLine & { reason: string })[] = [];
  let duplicates = 0;
  for (const file of await ledgerFiles(runFolder)) {
    for await (const { text, line, whole } of linesOf(file)) {
      const row = parseRow(text);
      if (typeof row === 'string') {
        if (whole) invalidLines.push({ file, line, reason: row });
        else tornLines.push({ file, line });
        continue;
      }
      const known = byTrial.get(row.trial);
      if (known?.status === 'ok' && row.status === 'ok') duplicates++;
      if (known === undefined || supersedes(row, known)) byTrial.set(row.trial, keep(row));
    }
  }
  return { byTrial, tornLines, invalidLines, duplicates };
}

/** Whether a trial's later line takes the place of an earlier one: `ok` for good, else the newest attempt. */
export function supersedes(row: TrialState, known: TrialState): boolean {
  if (known.status === 'ok') return false;
  return row.status === 'ok' || row.attempt >= known.attempt;
}

async function ledgerFiles(runFolder: string): Promise<string[]> {
  const folder = join(runFolder, 'ledger');
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw ioError(cause, folder, 'read');
  }
}

const NEWLINE = 0x0a;

/** Lines of a file; `whole` is false for a last line without its newline. Empty lines are left out. */
async function* linesOf(file: string): AsyncGenerator<{ text: string; line: number; whole: boolean }> {
  let line = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        line++;
        if (end > start) yield { text: bytes.toString('utf8', start, end), line, whole: true };
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
  } catch (cause) {
    throw ioError(cause, file, 'read');
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), line: line + 1, whole: false };
}

/** The row, or why the line is none. */
function parseRow(text: string): LedgerRow | string {
  let row: Partial<LedgerRow> | null;
  try {
    row = JSON.parse(text);
  } catch (error) {
    return messageOf(error);
  }
  if (typeof row !== 'object' || row === null) return 'expected an object';
  if (typeof row.trial !== 'string') return 'expected `trial` to be the id of a trial';
  if (typeof row.attempt !== 'number') return 'expected `attempt` to be a number';
  if (typeof row.spec !== 'object' || row.spec === null) return 'expected `spec` to be the spec of a trial';
  if (row.status === 'ok' && typeof row.result === 'object' && row.result !== null) return row as LedgerRow;
  if (row.status === 'failed' && typeof row.error === 'object' && row.error !== null) return row as LedgerRow;
  return 'expected `status` ok with a result, or failed with an error';
}
