/** The public API: what the command line is made of, for scripts and notebooks. */
export { ThawError } from './base/errors.js';
export { type Progress, silent } from './base/progress.js';
export type { Dataset, DatasetEntry } from './data/dataset.js';
export { patientFolds } from './data/folds.js';
export { type DataSource, loadDataset } from './data/load.js';
export { type Split, type SplitRule, splitDataset } from './data/split.js';
export { trainingSubsets } from './data/subset.js';
export { type SubsetFold, subsetFolds } from './data/subset-folds.js';
export { buildTask, type Task, type TaskRule } from './data/task.js';
export { HeadBank } from './engine/head-bank.js';
export type { Executor } from './execute/executor.js';
export { type ExportOptions, type ExportOutcome, exportTrial } from './execute/export-trial.js';
export { LocalExecutor } from './execute/local.js';
export { drySweep, runSweep, type SweepOptions, type SweepOutcome } from './execute/run-sweep.js';
export { extractFeatures } from './features/extract.js';
export { type FeatureStore, openFeatureStore, readRows } from './features/store.js';
export { ingest } from './image/ingest.js';
export { type ImageStore, openImageStore } from './image/store.js';
export type { ModelCard } from './model/card.js';
export { describeModel } from './model/describe.js';
export { registerModel } from './model/registry/register.js';
export { type LoadedModel, loadModel, readCard } from './model/registry.js';
export { type ExportedModel, type ImageReading, readExportedModel } from './predict/exported-model.js';
export { ImageNetwork } from './predict/network.js';
export { openModel, type PredictingModel } from './predict/open-model.js';
export { type Prediction, predictImages } from './predict/predict.js';
export {
  type ExtractRadiomicsOptions,
  extractRadiomics,
  type RadiomicsImage,
  type RadiomicsTable,
} from './radiomics/extract.js';
export type { RegressionFit, RegressionRun } from './radiomics/logistic-regression.js';
export { fitLogisticRegressions, regressionLogits } from './radiomics/logistic-regression.js';
export { describeFeatures, featureNames } from './radiomics/names.js';
export type { RadiomicsOptions } from './radiomics/options.js';
export type { RegressionSet, RegressionTable, RegressionTask } from './radiomics/regression-input.js';
export type { LogisticRegressionOptions } from './radiomics/regression-options.js';
export { logarithmicStrengths, PAPER_REGRESSION } from './radiomics/regression-options.js';
export { writeReport } from './report/report.js';
export { chooseThresholds, evaluateSet } from './stats/evaluate.js';
export { rankScores } from './stats/ranking.js';
export { auroc, averagePrecision, rocPoints } from './stats/roc.js';
export { bestTrial, findTrial } from './sweep/choose-trial.js';
export type { SweepConfig } from './sweep/config.js';
export { parseFilter } from './sweep/filter.js';
export { type Ledger, type LedgerRow, readLedger } from './sweep/ledger.js';
export { readPredictions } from './sweep/predictions.js';
export { parseConfig, readConfig } from './sweep/read-config.js';
export { type TrialResult, type TrialSpec, trialId } from './train/trial.js';
