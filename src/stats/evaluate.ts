import { ThawError } from '../base/errors.js';
import { binaryLogLoss, brierScore, classLogOdds, highestClass, logSumExp, sigmoid } from './probability.js';
import { type RankedScores, rankScores } from './ranking.js';
import { auroc, averagePrecision } from './roc.js';
import type { LabelMetrics, SetMetrics } from './set-metrics.js';
import { meanOfDefined } from './summary.js';
import { decideAt, youdenThreshold } from './threshold.js';

/** What a trained network says about one set, and what is true. */
export interface ScoredSet {
  /** `multilabel` and `binary`: one sigmoid an output. `multiclass`: one softmax over the outputs. */
  readonly kind: 'multilabel' | 'binary' | 'multiclass';
  readonly outputNames: readonly string[];
  /** [rows × outputs] */
  readonly logits: Float32Array;
  /** [rows × outputs] 1 present, 0 absent, NaN unknown; of classes exactly one is 1, or the row is unknown. */
  readonly targets: Float32Array;
}

/**
 * All metrics of one set. `thresholds` [outputs] (probabilities) decide accuracy, sensitivity and specificity; where one is
 * missing or null these are null. Classes are judged one against the rest, apart from the accuracy of the set (highest
 * logit) and its log loss (softmax cross-entropy). Throws a ThawError: DATA for shapes or targets that do not fit,
 * NON_FINITE for a logit that is NaN or infinite, naming output and row.
 */
export function evaluateSet(
  set: ScoredSet & { readonly thresholds?: readonly (number | null)[] },
): SetMetrics {
  const { kind, outputNames, thresholds } = set;
  if (thresholds !== undefined && thresholds.length !== outputNames.length) {
    throw shapeError(
      `expected ${outputNames.length} thresholds, one an output, received ${thresholds.length}.`,
    );
  }
  const ranked = rankOutputs(set);
  const labels = outputNames.map((label, output) =>
    labelMetrics(label, ranked[output] as RankedScores, thresholds?.[output] ?? null),
  );
  const mean = (pick: (metrics: LabelMetrics) => number | null) => meanOfDefined(labels.map(pick));
  const ofClasses = kind === 'multiclass' ? judgeClasses(set) : undefined;
  return {
    auroc: mean((label) => label.auroc),
    ap: mean((label) => label.ap),
    accuracy: ofClasses === undefined ? mean((label) => label.accuracy) : ofClasses.accuracy,
    sensitivity: mean((label) => label.sensitivity),
    specificity: mean((label) => label.specificity),
    logLoss: ofClasses === undefined ? mean((label) => label.logLoss) : ofClasses.logLoss,
    brier: mean((label) => label.brier),
    labels,
  };
}

/** AUROC of a set as `evaluateSet` has it, alone: mean over the outputs for which it is defined. Throws as that does. */
export function macroAuroc(set: ScoredSet): number | null {
  return meanOfDefined(rankOutputs(set).map(auroc));
}

/** For every output the probability that maximises Youden's J on this set (`youdenThreshold`); null without both classes. */
export function chooseThresholds(validation: ScoredSet): (number | null)[] {
  return rankOutputs(validation).map((ranked) => youdenThreshold(probabilitiesOf(ranked)));
}

function labelMetrics(label: string, ranked: RankedScores, threshold: number | null): LabelMetrics {
  const probabilities = probabilitiesOf(ranked);
  return {
    label,
    positives: ranked.positives.length,
    negatives: ranked.negatives.length,
    auroc: auroc(ranked),
    ap: averagePrecision(ranked),
    threshold,
    ...decideAt(probabilities, threshold),
    logLoss: binaryLogLoss(ranked),
    brier: brierScore(probabilities),
  };
}

/** Sigmoid keeps the order. */
function probabilitiesOf({ positives, negatives }: RankedScores): RankedScores {
  return { positives: positives.map(sigmoid), negatives: negatives.map(sigmoid) };
}

/** Log-odds of every output, apart by its targets and in order. */
function rankOutputs({ kind, outputNames, logits, targets }: ScoredSet): RankedScores[] {
  const outputs = outputNames.length;
  if (logits.length !== targets.length || logits.length % outputs !== 0) {
    throw shapeError(
      `expected logits and targets of [rows × ${outputs}], received ${logits.length} and ${targets.length} values.`,
    );
  }
  if (kind === 'multiclass' && outputs < 2) {
    throw shapeError(`expected at least two classes, received ${outputs}.`);
  }
  const scores = kind === 'multiclass' ? classLogOdds(logits, outputs) : columnsOf(logits, outputs);
  const truths = columnsOf(targets, outputs);
  return outputNames.map((name, output) =>
    rankScores(scores[output] as ArrayLike<number>, truths[output] as Float32Array, name),
  );
}

function shapeError(summary: string): ThawError {
  return new ThawError('DATA', summary, { node: 'logits' });
}

/** The columns of a row-major matrix [rows × columns]. */
function columnsOf(values: Float32Array, columns: number): Float32Array[] {
  const rows = values.length / columns;
  return Array.from({ length: columns }, (_, column) => {
    const out = new Float32Array(rows);
    for (let row = 0; row < rows; row++) out[row] = values[row * columns + column] as number;
    return out;
  });
}

/** Accuracy of the highest logit and softmax cross-entropy −ln p(true class) in nats, over the rows whose class is known. */
function judgeClasses({ outputNames, logits, targets }: ScoredSet): {
  readonly accuracy: number | null;
  readonly logLoss: number | null;
} {
  const classes = outputNames.length;
  const rows = logits.length / classes;
  let known = 0;
  let correct = 0;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const truth = classOf(targets, row, classes);
    if (truth === undefined) continue;
    known++;
    correct += highestClass(logits, row, classes) === truth ? 1 : 0;
    loss += logSumExp(logits, row, classes) - (logits[row * classes + truth] as number);
  }
  return known === 0
    ? { accuracy: null, logLoss: null }
    : { accuracy: correct / known, logLoss: loss / known };
}

/** The true class of a row, undefined where it is unknown. */
function classOf(targets: Float32Array, row: number, classes: number): number | undefined {
  let ones = 0;
  let truth = 0;
  for (let k = 0; k < classes; k++) {
    const target = targets[row * classes + k] as number;
    if (Number.isNaN(target)) return undefined;
    if (target !== 1) continue;
    ones++;
    truth = k;
  }
  if (ones === 1) return truth;
  throw new ThawError('DATA', `expected exactly one class, received ${ones}.`, {
    row: row + 1,
    node: 'targets',
  });
}
