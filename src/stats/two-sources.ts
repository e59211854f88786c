import type { Estimate } from './estimate.js';
import { combine, type PatientEstimate, varianceOf } from './influence.js';
import { normalQuantile } from './normal.js';
import { studentQuantile } from './student.js';
import { meanInterval, standardDeviation } from './summary.js';

/** Where the spread of a metric comes from, as variances of the metric. */
export interface VarianceParts {
  /** Between trainings (seed, training subset) on an endless test set. Estimated by a difference, cut at 0. */
  readonly trainings: number;
  /** Of test patients, shared by all trainings: hard patients are hard for each. More seeds do not lessen it. */
  readonly patients: number;
  /** Of test patients, particular to one training. */
  readonly both: number;
}

/** A mean over trainings (seeds or subsets) that share test patients, with its sources of error apart and together. */
export interface TwoSources {
  /** What a new set of trainings and a new set of test patients would give. */
  readonly combined: Estimate;
  /** Which sources `combined` holds; the one that is missing could not be estimated. */
  readonly sources: 'trainings and patients' | 'trainings' | 'patients';
  /** These test patients, other trainings: t-interval over trainings. Null below two trainings. */
  readonly overTrainings: Estimate | null;
  /** These trainings, other test patients. Null where patients are too few for a variance. */
  readonly overPatients: Estimate | null;
  /** Null unless both sources can be told. */
  readonly parts: VarianceParts | null;
  /** Of the t quantile of `combined`; infinite where it is normal. */
  readonly degreesOfFreedom: number;
  readonly trainings: number;
}

/**
 * Mean over trainings of one metric on the same test patients, both crossed and random, by the method of Obuchowski & Rockette
 * (Communications in Statistics 1995;24:285-308) for one modality, trainings in the place of readers: variance MS/S + max(Cov₂, 0),
 * MS the sample variance of S trainings and Cov₂ the mean covariance of two of them over patients; Student's t with Hillis'
 * degrees of freedom (MS/S + max(Cov₂, 0))² / ((MS/S)²/(S − 1)) (Hillis, Statistics in Medicine 2007;26:596-619 and
 * 2014;33:330-360). With one training, or patients too few, the source that is left; null where neither can be told.
 */
export function combineSources(trainings: readonly PatientEstimate[], level = 0.95): TwoSources | null {
  const count = trainings.length;
  if (count === 0) return null;
  const values = trainings.map(({ value }) => value);
  const mean = combine(trainings);
  const patientVariance = varianceOf(mean);
  const overPatients = patientVariance === null ? null : patientsOnly(mean.value, patientVariance, level);
  const overTrainings = trainingsOnly(values, level);
  if (overTrainings === null || patientVariance === null) {
    const combined = overTrainings ?? overPatients;
    if (combined === null) return null;
    const sources = overTrainings === null ? 'patients' : 'trainings';
    const degreesOfFreedom = overTrainings === null ? Number.POSITIVE_INFINITY : count - 1;
    return {
      combined,
      sources,
      overTrainings,
      overPatients,
      parts: null,
      degreesOfFreedom,
      trainings: count,
    };
  }
  const oneTraining = trainings.reduce((sum, training) => sum + (varianceOf(training) as number), 0) / count;
  const shared = (count * patientVariance - oneTraining) / (count - 1);
  const between = (standardDeviation(values) as number) ** 2;
  const variance = between / count + Math.max(shared, 0);
  const degreesOfFreedom =
    between === 0 ? Number.POSITIVE_INFINITY : (variance / (between / count)) ** 2 * (count - 1);
  const standardError = Math.sqrt(variance);
  const reach = studentQuantile((1 + level) / 2, degreesOfFreedom) * standardError;
  return {
    combined: {
      value: mean.value,
      low: mean.value - reach,
      high: mean.value + reach,
      level,
      standardError,
      method: 'trainings and patients, Obuchowski-Rockette-Hillis',
    },
    sources: 'trainings and patients',
    overTrainings,
    overPatients,
    parts: {
      trainings: Math.max(0, between - (oneTraining - shared)),
      patients: Math.max(0, shared),
      both: Math.max(0, oneTraining - shared),
    },
    degreesOfFreedom,
    trainings: count,
  };
}

function trainingsOnly(values: readonly number[], level: number): Estimate | null {
  const interval = meanInterval(values, level);
  if (interval === null) return null;
  return {
    value: interval.mean,
    low: interval.low,
    high: interval.high,
    level,
    standardError: (standardDeviation(values) as number) / Math.sqrt(values.length),
    method: 'trainings, t',
  };
}

function patientsOnly(value: number, variance: number, level: number): Estimate {
  const standardError = Math.sqrt(variance);
  const reach = normalQuantile((1 + level) / 2) * standardError;
  return { value, low: value - reach, high: value + reach, level, standardError, method: 'patients, normal' };
}
