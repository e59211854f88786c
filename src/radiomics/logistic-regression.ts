import { availableParallelism } from 'node:os';
import { addon } from '../engine/addon.js';
import type {
  NativeLogisticFit,
  NativeLogisticResult,
  NativeTrainingSet,
} from '../engine/native-logistic-regression.js';
import { abortableCall } from '../engine/native-owner.js';
import { checkFeatures, checkSet, type RegressionSet, type RegressionTable } from './regression-input.js';
import { checkedL1Ratio, type LogisticRegressionOptions } from './regression-options.js';

/** One output's regression. Its numbers are finite whatever the outcome. */
export type RegressionFit = FittedRegression | ConstantRegression;

interface Regression {
  readonly output: string;
  /** Training rows of each class. */
  readonly positives: number;
  readonly negatives: number;
  /** [names] on raw features, standardisation folded in; 0 for features that were left out. */
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** [rows to predict] */
  readonly logits: Float64Array;
}

export interface FittedRegression extends Regression {
  /** How C was chosen; `no-usable-fold`: no fold has both classes in both parts, and C is the smallest. */
  readonly outcome: 'cross-validated' | 'only-strength' | 'no-usable-fold';
  /** C. */
  readonly strength: number;
  readonly crossValidation: readonly StrengthScore[];
  /** Columns that went into the regression, ascending. */
  readonly kept: Uint32Array;
  /** [kept] what takes the place of NaN, where options say so. */
  readonly medians?: Float64Array;
  /** Whether the last fit, on all rows, has reached the tolerance. */
  readonly converged: boolean;
  /** Fits of the folds that have not. */
  readonly unconverged: number;
  /** Steps of all fits. */
  readonly iterations: number;
}

/** A label that is the same for all training rows, or known for none: log((P + ½) / (N + ½)) for every image. */
export interface ConstantRegression extends Regression {
  readonly outcome: 'one-class' | 'unlabelled';
}

export interface StrengthScore {
  readonly strength: number;
  /** Mean over the folds that have both classes in both parts; null where none has. */
  readonly auc: number | null;
  /** [folds] ROC AUC on the validation part. */
  readonly folds: readonly (number | null)[];
}

export interface RegressionRun {
  /** By default one a processor. No number depends on it. */
  readonly threads?: number;
  /** Read between steps; the call then rejects with ABORTED, or the ThawError that the signal carries. */
  readonly signal?: AbortSignal;
}

/**
 * Logistic regressions of many training subsets at once, in C++ and off the event loop: for every output C is chosen by
 * cross-validation on ROC AUC (the largest mean over folds; ties: the smaller C) and the regression fitted with it on all
 * rows. Preprocessing is fitted on each training part alone. Returns [sets][outputs].
 * Throws CONFIG for options, DATA for rows or folds that do not fit, NON_FINITE with row (from 1) and feature.
 */
export async function fitLogisticRegressions(
  table: RegressionTable,
  sets: readonly RegressionSet[],
  options: LogisticRegressionOptions,
  run: RegressionRun = {},
): Promise<RegressionFit[][]> {
  const l1Ratio = checkedL1Ratio(options);
  const strengths = Float64Array.from(new Set(options.strengths)).sort();
  for (const [index, set] of sets.entries()) checkSet(set, index, table, strengths.length);
  checkFeatures(table, sets, options.missing);
  const plan = new Plan();
  const problems = sets.map((set) => set.task.outputNames.map((_, output) => plan.add(set, output)));
  if (plan.problems.length === 0)
    return assemble(table, sets, problems, { sets: [], fits: [] }, plan, strengths);
  const result = await abortableCall(run.signal, (abort) =>
    addon().fitLogisticRegressions(
      {
        features: table.values,
        columns: table.names.length,
        sets: plan.sets,
        problems: plan.problems,
        strengths,
        l1Ratio,
        balanced: options.classWeights === 'balanced',
        standardize: options.standardize,
        imputeMedian: options.missing === 'median',
        largestModeShare: options.largestModeShare,
        largestCorrelation: options.largestCorrelation,
        tolerance: options.tolerance,
        maxIterations: options.maxIterations,
        threads: run.threads ?? availableParallelism(),
      },
      abort,
    ),
  );
  return assemble(table, sets, problems, result, plan, strengths);
}

/** Logits of rows of a table with the same columns, [rows]. */
export function regressionLogits(
  fit: RegressionFit,
  table: RegressionTable,
  rows: Uint32Array,
): Float64Array {
  const columns = table.names.length;
  const filled = new Map<number, number>();
  if ('medians' in fit) fit.kept.forEach((column, place) => void filled.set(column, fit.medians![place]!));
  return Float64Array.from(rows, (row) => {
    let logit = fit.intercept;
    for (let column = 0; column < columns; column++) {
      const coefficient = fit.coefficients[column]!;
      if (coefficient === 0) continue;
      const value = table.values[row * columns + column]!;
      logit += coefficient * (Number.isNaN(value) ? (filled.get(column) ?? value) : value);
    }
    return logit;
  });
}

/** What goes to C++: outputs of a set whose labels are all known share its rows. */
class Plan {
  readonly sets: NativeTrainingSet[] = [];
  readonly problems: { set: number; targets: Uint8Array }[] = [];
  private shared: { readonly from: RegressionSet; readonly index: number } | undefined;

  /** Index of the problem, undefined where no label is known. */
  add(set: RegressionSet, output: number): number | undefined {
    const outputs = set.task.outputNames.length;
    const targetOf = (row: number) => set.task.targets[row * outputs + output]!;
    const known = set.rows.filter((row) => !Number.isNaN(targetOf(row)));
    if (known.length === 0) return undefined;
    const targets = Uint8Array.from(known, targetOf);
    return this.problems.push({ set: this.setOf(set, known, targetOf), targets }) - 1;
  }

  private setOf(set: RegressionSet, known: Uint32Array, targetOf: (row: number) => number): number {
    const folds = set.folds ?? new Uint32Array(0);
    if (known.length < set.rows.length) {
      const own = folds.filter((_, place) => !Number.isNaN(targetOf(set.rows[place]!)));
      return this.sets.push({ rows: known, folds: own, predicted: set.predict }) - 1;
    }
    if (this.shared?.from !== set) {
      const index = this.sets.push({ rows: set.rows, folds, predicted: set.predict }) - 1;
      this.shared = { from: set, index };
    }
    return this.shared.index;
  }
}

function assemble(
  table: RegressionTable,
  sets: readonly RegressionSet[],
  problems: readonly (readonly (number | undefined)[])[],
  result: NativeLogisticResult,
  plan: Plan,
  strengths: Float64Array,
): RegressionFit[][] {
  return sets.map(({ task, predict }, index) =>
    task.outputNames.map((output, place): RegressionFit => {
      const problem = problems[index]![place];
      if (problem === undefined) return unlabelled(output, table.names.length, predict.length);
      const { set, targets } = plan.problems[problem]!;
      const native = result.fits[problem]!;
      const positives = targets.reduce((sum, target) => sum + target, 0);
      const { coefficients, intercept, logits, outcome } = native;
      const shared = { output, positives, negatives: targets.length - positives };
      if (outcome === 'one-class') return { ...shared, outcome, coefficients, intercept, logits };
      const { kept, medians } = result.sets[set]!;
      return {
        ...shared,
        outcome,
        strength: strengths[native.chosen]!,
        crossValidation: scoresOf(native, strengths),
        coefficients,
        intercept,
        kept,
        ...(medians.length > 0 ? { medians } : {}),
        converged: native.converged,
        unconverged: native.unconverged,
        iterations: native.iterations,
        logits,
      };
    }),
  );
}

function scoresOf({ aucs }: NativeLogisticFit, strengths: Float64Array): StrengthScore[] {
  const folds = aucs.length / strengths.length;
  return Array.from(strengths, (strength, c) => {
    const values = Array.from({ length: folds }, (_, fold) => aucs[fold * strengths.length + c]!);
    const known = values.filter((value) => !Number.isNaN(value));
    const sum = known.reduce((total, value) => total + value, 0);
    return {
      strength,
      auc: known.length === 0 ? null : sum / known.length,
      folds: values.map((value) => (Number.isNaN(value) ? null : value)),
    };
  });
}

function unlabelled(output: string, columns: number, rows: number): ConstantRegression {
  const none = { positives: 0, negatives: 0, coefficients: new Float64Array(columns), intercept: 0 };
  return { output, outcome: 'unlabelled', ...none, logits: new Float64Array(rows) };
}
