/** Metrics of one set (validation or test) of one trial; null = undefined on this set (e.g. AUROC without positives). */
export interface SetMetrics {
  /** Unweighted mean over the labels where it is defined; so are all others, except where a comment says otherwise. */
  readonly auroc: number | null;
  readonly ap: number | null;
  /** Classes: part of the rows whose highest logit is the true class. */
  readonly accuracy: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  /** Classes: softmax cross-entropy. Nats. */
  readonly logLoss: number | null;
  readonly brier: number | null;
  readonly labels: readonly LabelMetrics[];
}

/** Metrics of one label, or of one class against the rest. */
export interface LabelMetrics {
  readonly label: string;
  /** Rows whose label is known to be present / absent. */
  readonly positives: number;
  readonly negatives: number;
  readonly auroc: number | null;
  readonly ap: number | null;
  /** Probability at and above which the label is called present; chosen on validation. */
  readonly threshold: number | null;
  readonly accuracy: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly logLoss: number | null;
  readonly brier: number | null;
}
