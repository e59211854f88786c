import { ThawError } from '../base/errors.js';
import { listSome, nearest } from '../base/nearest.js';
import { filterTrials, type TrialFilter } from './filter.js';
import type { LedgerRow, OkRow } from './ledger.js';

/** So many trials are named in a message. */
const SHOWN = 5;
const HEX = /^[0-9a-f]+$/i;

/**
 * The finished trial whose id begins with `prefix`. Throws CONFIG when there is none (naming near ones), when several do, and
 * when it failed, with its reason.
 */
export function findTrial(rows: readonly LedgerRow[], prefix: string, run: string): OkRow {
  const wanted = prefix.toLowerCase();
  const found = HEX.test(wanted) ? rows.filter(({ trial }) => trial.startsWith(wanted)) : [];
  const [row, ...others] = found;
  if (row === undefined) throw notFound(rows, wanted, run);
  if (others.length > 0)
    throw new ThawError(
      'CONFIG',
      `${found.length} trials begin with '${prefix}': ${listSome(found.map(describeTrial), SHOWN)}.`,
      { file: run, hint: 'Give more digits of the id.' },
    );
  if (row.status === 'ok') return row;
  throw new ThawError('CONFIG', `the trial ${row.trial} failed: ${row.error.message}`, {
    file: run,
    hint: 'There is no trained network. `--retry-failed` of `thaw sweep` runs it again.',
  });
}

/**
 * Of the trials that a filter keeps, the one with the highest validation AUROC, then the lowest validation log loss, then the
 * first id; the test set has no say. Where each size has validation images of its own (`validation: proportional` or `cv:K`) only
 * trials of the most training images are compared. Throws CONFIG when none is left, or trials of several tasks or data sets.
 */
export function bestTrial(rows: readonly LedgerRow[], filter: TrialFilter, run: string): OkRow {
  const finished = rows.filter((row) => row.status === 'ok');
  const { specs, warnings } = filterTrials(
    finished.map(({ spec }) => spec),
    filter,
  );
  const kept = new Set(specs);
  const candidates = finished.filter(({ spec }) => kept.has(spec));
  if (candidates.length === 0) {
    const failed = rows.length - finished.length;
    throw new ThawError(
      'CONFIG',
      `no finished trial is left to choose from (${finished.length} finished, ${failed} failed).`,
      {
        file: run,
        ...(warnings[0] === undefined ? {} : { hint: warnings[0] }),
      },
    );
  }
  const questions = [...new Set(candidates.map(({ spec }) => `${spec.task} on ${spec.dataset}`))];
  if (questions.length > 1)
    throw new ThawError('CONFIG', `expected trials of one task, received ${listSome(questions, SHOWN)}.`, {
      file: run,
      hint: 'Name one with --task, or with --filter dataset=NAME.',
    });
  const most = Math.max(...candidates.map(({ result }) => result.trainImages));
  const isSmall = ({ spec, result }: OkRow) => spec.validation !== 'full' && result.trainImages < most;
  const comparable = candidates.filter((row) => !isSmall(row));
  return comparable.reduce((best, row) => (isBetter(row, best) ? row : best));
}

/** `3fa9c1d2 (effusion, densenet121, full, n=200, seed 0)`. */
export function describeTrial({ trial, spec }: Pick<LedgerRow, 'trial' | 'spec'>): string {
  const { task, source, strategy, n, seed } = spec;
  return `${trial.slice(0, 8)} (${task}, ${source}, ${strategy}, n=${n}, seed ${seed})`;
}

function isBetter(a: OkRow, b: OkRow): boolean {
  const auroc = (a.result.validation.auroc ?? -1) - (b.result.validation.auroc ?? -1);
  if (auroc !== 0) return auroc > 0;
  const worst = Number.MAX_VALUE;
  const loss = (a.result.validation.logLoss ?? worst) - (b.result.validation.logLoss ?? worst);
  return loss === 0 ? a.trial < b.trial : loss < 0;
}

function notFound(rows: readonly LedgerRow[], wanted: string, run: string): ThawError {
  const near = rows.filter(({ trial }) => trial.startsWith(wanted.slice(0, 3)));
  const guess = nearest(
    wanted,
    rows.map(({ trial }) => trial.slice(0, wanted.length)),
  );
  const close =
    near.length > 0 ? near : rows.filter(({ trial }) => guess !== undefined && trial.startsWith(guess));
  const hint =
    rows.length === 0
      ? 'The run has no trials yet.'
      : close.length > 0
        ? `Near: ${listSome(close.map(describeTrial), SHOWN)}.`
        : `Its trials: ${listSome(rows.map(describeTrial), SHOWN)}; trials.csv lists all.`;
  return new ThawError('CONFIG', `no trial begins with '${wanted}'.`, { file: run, hint });
}
