import { ThawError } from '../base/errors.js';
import { POOLED } from '../model/cut.js';
import { classifierOf } from '../model/trained.js';
import { isNetworkTrial, type NetworkTrialInputs, networkOf, stageNames } from './network-setup.js';
import { type FailedTrial, failure, ofFold } from './outcome.js';
import { mayStartBehindCuts } from './phases.js';
import { mayProbe, type ProbeResult, trainProbes } from './probes.js';
import {
  type Checkpoint,
  type EpochChain,
  epochChain,
  loneChain,
  type Turn,
  turnsOf,
} from './shared-epochs.js';
import { trainingTables } from './training-tables.js';
import type { ReadyTrial, TrialOptions } from './trial-rows.js';

/** A trial's turn, and what a head bank has done of it. */
export interface BegunTurn extends Turn {
  readonly probe?: ProbeResult;
}

/**
 * The order in which trials are trained, so that epochs that several of them begin with are trained once, those of heads alone
 * in a head bank where there are pooled features. Trials whose network or plan there is not are failed outcomes.
 */
export async function planTurns(
  inputs: NetworkTrialInputs,
  trials: readonly ReadyTrial[],
  options: Pick<TrialOptions, 'signal'>,
): Promise<{ turns: readonly BegunTurn[]; failed: readonly FailedTrial[] }> {
  const chains: EpochChain[] = [];
  const failed: FailedTrial[] = [];
  for (const trial of trials) {
    try {
      chains.push(chainOf(inputs, trial));
    } catch (error) {
      if (!(error instanceof ThawError) || error.code === 'RUNTIME') throw error;
      failed.push(ofFold(failure(trial.spec, error), trial));
    }
  }
  const turns = turnsOf(chains);
  const probes = await probesOf(inputs, turns, options);
  return { turns: turns.map((turn, index) => ({ ...turn, ...withProbe(probes[index]) })), failed };
}

const withProbe = (probe: ProbeResult | undefined) => (probe === undefined ? {} : { probe });

function chainOf(inputs: NetworkTrialInputs, trial: ReadyTrial): EpochChain {
  const { spec } = trial;
  if (!isNetworkTrial(spec))
    throw new ThawError('RUNTIME', `expected a trial that trains a network, received \`${spec.strategy}\`.`);
  const stages = stageNames(inputs, spec);
  if (spec.lr === 'auto' || spec.strategy === 'auto-rgn') return loneChain(trial, spec);
  return epochChain(trial, spec, trainingTables(stages, spec, trial), stages.length);
}

/** By turn: what it begins with; one head stands for all trials that train it alike. */
async function probesOf(
  inputs: NetworkTrialInputs,
  turns: readonly Turn[],
  options: Pick<TrialOptions, 'signal'>,
): Promise<readonly (ProbeResult | undefined)[]> {
  const pooled = inputs.activations?.get(POOLED);
  const first = turns[0];
  if (pooled === undefined || first === undefined) return [];
  const wanted = new Map<string, EpochChain>();
  const keys = turns.map(({ chain }) => {
    const { spec, headEpochs, key, epochs } = chain;
    if (headEpochs === 0 || !mayStartBehindCuts(spec) || !mayProbe(spec)) return undefined;
    const own = [key, ...epochs.slice(0, headEpochs)].join('\n');
    if (!wanted.has(own)) wanted.set(own, chain);
    return own;
  });
  if (wanted.size === 0) return [];
  const names = classifierOf(networkOf(inputs, first.chain.spec).graph);
  const results = await trainProbes(inputs, pooled, names, [...wanted.values()], options);
  const byKey = new Map([...wanted.keys()].map((key, index) => [key, results[index]!]));
  return keys.map((key) => (key === undefined ? undefined : byKey.get(key)));
}

/** The checkpoints that later turns begin with: those of the epochs that the turn before has in common with them. */
export class SharedPath {
  private kept: Checkpoint[] = [];

  /** The furthest that a turn can begin with, of earlier trials or of a head bank. */
  startOf({ from, probe }: BegunTurn): Checkpoint | undefined {
    this.kept = this.kept.filter(({ epochs }) => epochs <= from);
    const shared = this.kept.at(-1);
    if (probe === undefined || 'failedStep' in probe) return shared;
    return shared !== undefined && shared.epochs >= probe.epochs ? shared : probe;
  }

  /** Keeps a checkpoint of the turn in hand, further than all before. */
  keep(checkpoint: Checkpoint): void {
    if (checkpoint.epochs > (this.kept.at(-1)?.epochs ?? 0)) this.kept.push(checkpoint);
  }
}
