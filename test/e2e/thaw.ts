import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';

const cli = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when standard error holds a match; rejects when the process ends without one. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts the command line as a user would, in a process group of its own. */
export function startThaw(args: readonly string[], cwd: string): Started {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: (() => void)[] = [];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    for (const look of waiting) look();
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  const printed = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => pattern.test(stderr) && resolve();
      waiting.push(look);
      look();
      void finished.then(() => reject(new Error(`ended without ${pattern}: ${stderr}`)));
    });
  return { child, finished, printed };
}

export function thaw(args: readonly string[], cwd: string): Promise<Finished> {
  return startThaw(args, cwd).finished;
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-e2e-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type TrialCells = Readonly<Record<string, string>>;

export function readTrials(run: string): TrialCells[] {
  return parse(readFileSync(join(run, 'trials.csv')), { columns: true }) as TrialCells[];
}

/** What must not depend on when, where and how fast a trial ran. */
export function numbers(row: TrialCells): string {
  const columns = [
    'trial',
    'status',
    'task',
    'n',
    'seed',
    'lr',
    'auroc_val',
    'auroc_test',
    'ap_test',
    'log_loss_test',
    'best_epoch',
  ];
  return columns.map((column) => `${column}=${row[column]}`).join(' ');
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Resolves within milliseconds of the first unit's rows in the ledger. */
export async function untilRows(run: string, finished: Promise<unknown>): Promise<void> {
  let ended = false;
  void finished.then(() => {
    ended = true;
  });
  const ledger = join(run, 'ledger');
  while (!ended) {
    const files = existsSync(ledger) ? readdirSync(ledger) : [];
    if (files.some((file) => statSync(join(ledger, file)).size > 0)) return;
    await sleep(5);
  }
  assert.fail('the sweep ended before it was stopped');
}
