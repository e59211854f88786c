import { groupBy } from '../base/group-by.js';
import { canonicalJson } from '../base/hash.js';
import type { CurveSample } from '../stats/curve-noise.js';
import { combine, type PatientEstimate } from '../stats/influence.js';
import { type PatientSigns, patientShifts } from '../stats/patient-shifts.js';
import { filterTrials, parseFilter } from '../sweep/filter.js';
import type { OkRow } from '../sweep/ledger.js';
import { settingOf } from '../sweep/strategy.js';
import type { AxisKey } from '../sweep/trial-schema.js';
import type { Observation, Panel, Size } from './experiment.js';
import { preferred } from './selection.js';

/** Test AUROC of a trial with its patients' contributions; undefined where these are not known. */
export type PatientsOf = (row: OkRow) => PatientEstimate | undefined;

/** A side of a claim at one N and seed (and one value of the axes that pairs share). */
export interface SidePoint {
  readonly size: Size;
  readonly seed: number;
  /** What pairs share besides N and seed. */
  readonly pair: string;
  readonly estimate: PatientEstimate;
  readonly trials: readonly string[];
}

export interface SideRule {
  /** Conditions that must all hold. */
  readonly filters: readonly (string | undefined)[];
  readonly choose: 'validation' | 'mean';
  readonly pair?: readonly AxisKey[];
}

/** The trials of a panel that a side's filters keep, one point an N and seed; trials without a test AUROC are left out. */
export function sidePoints(
  panel: Panel,
  { filters, choose, pair = [] }: SideRule,
  patientsOf: PatientsOf,
): SidePoint[] {
  const conditions = filters.flatMap((filter) => (filter === undefined ? [] : parseFilter(filter)));
  const kept = new Set(
    filterTrials(
      panel.observations.map(({ row }) => row.spec),
      conditions,
    ).specs,
  );
  const pairOf = ({ row }: Observation) => canonicalJson(pair.map((key) => settingOf(row.spec, key) ?? null));
  const groups = groupBy(
    panel.observations.filter(({ row, test }) => kept.has(row.spec) && test !== null),
    (observation) => `${observation.size.key} ${observation.seed} ${pairOf(observation)}`,
  );
  return [...groups.values()].map((trials) => {
    const used = choose === 'mean' ? trials : [trials.reduce((a, b) => (preferred(b, a) ? b : a))];
    const [first] = used as [Observation];
    return {
      size: first.size,
      seed: first.seed,
      pair: pairOf(first),
      estimate: combine(used.map((trial) => estimateOf(trial, patientsOf))),
      trials: used.map(({ row }) => row.trial),
    };
  });
}

/** Test AUROC of an observation that has one. */
export function estimateOf({ row, test }: Observation, patientsOf: PatientsOf): PatientEstimate {
  return patientsOf(row) ?? { value: test!, contributions: null };
}

/** An estimate of the same patients that has no error. */
export function constant(value: number, like: PatientEstimate): PatientEstimate {
  const contributions = like.contributions === null ? null : new Float64Array(like.contributions.length);
  return { value, contributions };
}

/** The points as a learning curve: a value a seed at every N, and what other patients would do to the mean. */
export function curveSamples(
  points: readonly SidePoint[],
  signsOf: (patients: number) => PatientSigns,
): CurveSample[] {
  const bySize = groupBy(points, ({ size }) => size.count);
  return [...bySize].map(([n, ofSize]) => {
    const bySeed = groupBy(ofSize, ({ seed }) => seed);
    const seeds = [...bySeed].map(([seed, ofSeed]) => {
      return { seed, estimate: combine(ofSeed.map(({ estimate }) => estimate)) };
    });
    const { contributions } = combine(seeds.map(({ estimate }) => estimate));
    return {
      n,
      values: seeds.map(({ seed, estimate }) => ({ seed, value: estimate.value })),
      ...(contributions === null
        ? {}
        : { patientShifts: patientShifts(contributions, signsOf(contributions.length)) }),
    };
  });
}
