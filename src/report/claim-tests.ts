import { groupBy } from '../base/group-by.js';
import { compareAcrossSizes, type MethodComparison, type TrainingPair } from '../stats/compare-methods.js';
import { findCrossover } from '../stats/crossover.js';
import { type NeededSize, type SizeBound, sizeWithinPlateau } from '../stats/curve-answers.js';
import { detectableEffect, type Expected, judge } from '../stats/expectation.js';
import { combine } from '../stats/influence.js';
import { fitLearningCurve } from '../stats/learning-curve.js';
import { type PatientSigns, patientSigns } from '../stats/patient-shifts.js';
import { sizeAt } from '../stats/power-law.js';
import type { Claim } from '../sweep/claims-schema.js';
import { constant, curveSamples, type PatientsOf, type SidePoint, sidePoints } from './claim-sides.js';
import { type Panel, sizeText } from './experiment.js';

/** What was measured. */
export type ClaimEffect =
  | { readonly unit: 'auroc'; readonly value: number; readonly low: number; readonly high: number }
  | {
      readonly unit: 'n';
      readonly value: SizeBound;
      readonly low: SizeBound | null;
      readonly high: SizeBound | null;
    };

/** One test that a claim rests on: a claim about several tasks, sides or sizes has several, all of which must hold. */
export interface ClaimPart {
  /** What tells it from the other parts. */
  readonly about: readonly string[];
  /** Null where nothing could be measured; `reason` says why. */
  readonly effect: ClaimEffect | null;
  /** p values for and against; 1 where nothing could be measured. */
  readonly support: number;
  readonly contradiction: number;
  readonly reason?: string;
  readonly seeds: number;
  readonly sizes: readonly string[];
  /** What the interval is over. */
  readonly over: 'seeds and test patients' | 'seeds' | 'test patients' | null;
  /** Difference from the margin that such data find in 80 % of studies. */
  readonly detectable: number | null;
  readonly trials: readonly string[];
}

export interface ClaimTools {
  readonly patientsOf: PatientsOf;
  /** Two-sided level of intervals and of the detectable effect. */
  readonly alpha: number;
}

const REPLICATES = 1000;
const SEED = 0;

/** The parts of a claim on one task. */
export function claimParts(claim: Claim, panel: Panel, tools: ClaimTools): ClaimPart[] {
  const { where, choose } = claim;
  const points = (filter: string, pair: Parameters<typeof sidePoints>[1]['pair'] = []) =>
    sidePoints(panel, { filters: [where, filter], choose, pair }, tools.patientsOf);
  switch (claim.kind) {
    case 'comparison':
      return claim.against.flatMap((against) => {
        const sides = [points(claim.side, claim.pair), points(against, claim.pair)];
        const about = claim.against.length > 1 ? [`against ${against}`] : [];
        return differenceParts(pairsOf(sides, [1, -1]), claim, claim.margin, about, tools);
      });
    case 'contrast': {
      const sides = claim.terms.map(({ side }) => points(side, claim.pair));
      const weights = claim.terms.map(({ weight }) => weight);
      return differenceParts(pairsOf(sides, weights), claim, claim.margin, [], tools);
    }
    case 'threshold':
      return claim.side.flatMap((side) => {
        const about = claim.side.length > 1 ? [side] : [];
        const pairs = pairsOf([points(side)], [1]).map((pair) => ({
          ...pair,
          second: constant(claim.than, pair.first),
        }));
        return differenceParts(pairs, claim, 0, about, tools).map((part) => shifted(part, claim.than));
      });
    case 'crossover':
      return claim.against.map((against) => {
        const about = claim.against.length > 1 ? [`against ${against}`] : [];
        return crossoverPart(points(claim.side), points(against), claim.between, about);
      });
    case 'plateau':
      return [plateauPart(points(claim.side), claim)];
  }
}

type Pair = TrainingPair & { readonly name: string; readonly trials: readonly string[] };

/** Σ weight × side at every N and seed that all sides have, in pairs that also share the other axes, their mean over these. */
function pairsOf(sides: readonly (readonly SidePoint[])[], weights: readonly number[]): Pair[] {
  const keyOf = ({ size, seed, pair }: SidePoint) => `${size.key} ${seed} ${pair}`;
  const others = sides.slice(1).map((side) => new Map(side.map((point) => [keyOf(point), point])));
  const matched = (sides[0] ?? []).flatMap((point) => {
    const partners = others.flatMap((side) => side.get(keyOf(point)) ?? []);
    return partners.length < others.length ? [] : [[point, ...partners]];
  });
  const groups = groupBy(matched, ([point]) => `${point!.size.key} ${point!.seed}`);
  return [...groups.values()].map((group) => {
    const { size, seed } = group[0]![0]!;
    const first = combine(
      group.map((points) =>
        combine(
          points.map(({ estimate }) => estimate),
          weights,
        ),
      ),
    );
    const trials = group.flatMap((points) => points.flatMap((point) => point.trials));
    return { size: size.count, name: sizeText(size), seed, first, second: constant(0, first), trials };
  });
}

interface DifferenceRule {
  readonly expect: Expected;
  readonly at: 'overall' | 'each';
}

function differenceParts(
  pairs: readonly Pair[],
  { expect, at }: DifferenceRule,
  margin: number,
  about: readonly string[],
  { alpha }: ClaimTools,
): ClaimPart[] {
  if (pairs.length === 0)
    return [unmeasured('no finished trials with the same N and seed on all sides', about)];
  const found = compareAcrossSizes(pairs, { level: 1 - alpha });
  const part = (
    comparison: MethodComparison | null,
    used: readonly Pair[],
    more: readonly string[],
    none: string,
  ): ClaimPart => {
    const facts = { ...factsOf(used), about: [...about, ...more] };
    if (comparison === null) return { ...unmeasured(none, facts.about), ...facts };
    const { effect, sources } = comparison;
    const { value, low, high } = effect;
    const { degreesOfFreedom } = sources;
    const estimate = { value, standardError: effect.standardError ?? 0, degreesOfFreedom };
    return {
      ...facts,
      effect: { unit: 'auroc', value, low, high },
      ...judge(estimate, expect, margin),
      over: OVER[sources.sources],
      detectable: detectableEffect(estimate, alpha),
    };
  };
  const lone = 'one seed, and nothing is known of the test patients: no difference can be told from chance';
  if (at === 'each') {
    return found.bySize.map(({ size, comparison }) => {
      const used = pairs.filter((pair) => pair.size === size);
      return part(comparison, used, [`N = ${used[0]!.name}`], lone);
    });
  }
  const complete = pairs.filter(({ seed }) => found.completeSeeds.includes(seed));
  const none = complete.length === 0 ? 'no seed has all N yet' : lone;
  return [part(found.overall, complete, [], none)];
}

const OVER = {
  'trainings and patients': 'seeds and test patients',
  trainings: 'seeds',
  patients: 'test patients',
} as const;

function factsOf(pairs: readonly Pair[]): Pick<ClaimPart, 'seeds' | 'sizes' | 'trials'> {
  const names = new Map(pairs.toSorted((a, b) => a.size - b.size).map(({ size, name }) => [size, name]));
  return {
    seeds: new Set(pairs.map(({ seed }) => seed)).size,
    sizes: [...names.values()],
    trials: [...new Set(pairs.flatMap(({ trials }) => trials))],
  };
}

/** The effect of a threshold is the AUROC itself, not its distance from the threshold. */
function shifted(part: ClaimPart, by: number): ClaimPart {
  if (part.effect?.unit !== 'auroc') return part;
  const { value, low, high } = part.effect;
  return { ...part, effect: { unit: 'auroc', value: value + by, low: low + by, high: high + by } };
}

function unmeasured(reason: string, about: readonly string[]): ClaimPart {
  const nothing = { effect: null, over: null, detectable: null, seeds: 0, sizes: [], trials: [] };
  return { ...nothing, support: 1, contradiction: 1, reason, about };
}

function pointFacts(points: readonly SidePoint[]): Pick<ClaimPart, 'seeds' | 'sizes' | 'trials' | 'over'> {
  const sizes = new Map(points.map(({ size }) => [size.count, sizeText(size)]));
  const seeds = new Set(points.map(({ seed }) => seed)).size;
  const patients = points.every(({ estimate }) => estimate.contributions !== null);
  return {
    seeds,
    sizes: [...sizes].toSorted(([a], [b]) => a - b).map(([, name]) => name),
    trials: [...new Set(points.flatMap(({ trials }) => trials))],
    over: seeds > 1 ? (patients ? 'seeds and test patients' : 'seeds') : patients ? 'test patients' : null,
  };
}

function signsOnce(): (patients: number) => PatientSigns {
  const known = new Map<number, PatientSigns>();
  return (patients) => {
    const signs = known.get(patients) ?? patientSigns(patients, REPLICATES, SEED);
    known.set(patients, signs);
    return signs;
  };
}

/** p values from shares of bootstrap replicates; one more of each kind, so that none is 0 (Davison & Hinkley 1997, 4.2). */
function shareP(count: number, replicates: number): number {
  return (count + 1) / (replicates + 1);
}

function crossoverPart(
  side: readonly SidePoint[],
  against: readonly SidePoint[],
  [from, to]: readonly [number, number],
  about: readonly string[],
): ClaimPart {
  const facts = { ...pointFacts([...side, ...against]), about, detectable: null };
  const signsOf = signsOnce();
  const options = { replicates: REPLICATES, seed: SEED };
  const found = findCrossover(curveSamples(side, signsOf), curveSamples(against, signsOf), options);
  if (!found.answered) return { ...unmeasured(found.why, about), ...facts };
  const { replicates: ahead, range } = found;
  const effect = { unit: 'n', value: found.from, low: found.low, high: found.high } as const;
  if (ahead.length === 0) {
    const reason =
      'one seed, and nothing is known of the test patients: no crossover can be told from chance';
    return { ...unmeasured(reason, about), ...facts, effect };
  }
  const inside = (n: number) => n > 0 && n >= from && n <= to;
  // 0 lies somewhere below the smallest size, infinity somewhere above the largest.
  const outside = (n: number) => {
    if (n === 0) return range.from < from;
    return n === Number.POSITIVE_INFINITY ? range.to >= to : n < from || n > to;
  };
  return {
    ...facts,
    effect,
    support: shareP(ahead.filter((n) => !inside(n)).length, ahead.length),
    contradiction: shareP(ahead.filter((n) => !outside(n)).length, ahead.length),
  };
}

function plateauPart(
  points: readonly SidePoint[],
  { within, by }: Extract<Claim, { kind: 'plateau' }>,
): ClaimPart {
  const facts = { ...pointFacts(points), about: [], detectable: null };
  const curve = fitLearningCurve(curveSamples(points, signsOnce()), { replicates: REPLICATES, seed: SEED });
  if (!curve.fitted) return { ...unmeasured(curve.why, []), ...facts };
  const size = sizeWithinPlateau(curve, within);
  if (!size.answered) return { ...unmeasured(size.why, []), ...facts };
  const { needed, low, high }: NeededSize = size;
  const sizes = curve.replicates.map((law) => sizeAt(law, law.a - within));
  return {
    ...facts,
    effect: { unit: 'n', value: needed, low, high },
    support: shareP(sizes.filter((n) => n > by).length, sizes.length),
    contradiction: shareP(sizes.filter((n) => n <= by).length, sizes.length),
  };
}
