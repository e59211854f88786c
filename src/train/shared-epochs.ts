import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/hash.js';
import type { NetworkTrialSpec } from './network-setup.js';
import type { EpochsDone } from './network-training.js';
import { isHeadOnly } from './phases.js';
import type { TrainingTables } from './training-tables.js';
import type { ReadyTrial } from './trial-rows.js';

/** A trial by what each of its epochs does: two that agree in their first epochs are one training until then. */
export interface EpochChain {
  readonly trial: ReadyTrial;
  readonly spec: NetworkTrialSpec;
  /** What a trial begins with and keeps to: data, initial weights, optimizer, loss, selection. */
  readonly key: string;
  /** [epochs] hashes of what is trained at which rates. */
  readonly epochs: readonly string[];
  /** Epochs in the beginning in which the head alone is trained. */
  readonly headEpochs: number;
  /** Of the head in those: [steps] learning rates and, where the policy moves it, momentum. */
  readonly headRates: Float32Array;
  readonly headMomenta: Float32Array | undefined;
}

/** Where a training was after some epochs, for any trial that agrees with it until then. */
export interface Checkpoint {
  readonly epochs: number;
  readonly done: EpochsDone;
  readonly state: Uint8Array;
}

/** The chain of a trial from its tables; `stages` is the number of the whole network's stages. */
export function epochChain(
  trial: ReadyTrial,
  spec: NetworkTrialSpec,
  tables: TrainingTables,
  stages: number,
): EpochChain {
  const { steps, trained, rates, momenta } = tables;
  const last = trained.findIndex((mask) => !isHeadOnly(mask, stages));
  const headEpochs = Math.floor((last < 0 ? trained.length : last) / steps);
  return {
    trial,
    spec,
    key: beginningOf(spec, trial),
    epochs: Array.from({ length: spec.epochs }, (_, epoch) => epochHash(spec, tables, epoch, stages)),
    headEpochs,
    headRates: Float32Array.from(
      { length: headEpochs * steps },
      (_, step) => rates[(step + 1) * stages - 1]!,
    ),
    headMomenta: momenta?.slice(0, headEpochs * steps),
  };
}

/** The chain of a trial whose epochs depend on what a measurement of its own network finds: it shares none. */
export function loneChain(trial: ReadyTrial, spec: NetworkTrialSpec): EpochChain {
  const none = { headEpochs: 0, headRates: new Float32Array(0), headMomenta: undefined };
  return {
    trial,
    spec,
    key: canonicalJson({ alone: spec, fold: trial.fold?.index ?? -1 }),
    epochs: [],
    ...none,
  };
}

/** What two trials must have in common to be the same training for any number of epochs. */
function beginningOf(spec: NetworkTrialSpec, { fold }: ReadyTrial): string {
  const { strategy, policy, lr: _lr, epochs: _epochs, testViews: _views, network, ...rest } = spec;
  const { batchNorm: _mode, discriminative: _factors, atUnfreeze: _restart, ...settings } = network;
  return canonicalJson({
    ...rest,
    ...settings,
    fold: fold?.index ?? -1,
    // These begin with other weights, or are another network.
    from: strategy === 'none' || strategy === 'last-block' ? strategy : '',
    // What validation makes of the rates.
    follows: policy.kind === 'plateau' ? policy : '',
  });
}

function epochHash(
  spec: NetworkTrialSpec,
  { steps, trained, rates, momenta }: TrainingTables,
  epoch: number,
  stages: number,
): string {
  const hash = createHash('sha256');
  const [first, end] = [epoch * steps, (epoch + 1) * steps];
  const own = rates.slice(first * stages, end * stages);
  const masks = trained.slice(first, end);
  for (const [step, mask] of masks.entries()) {
    // The rate of a frozen stage has no say.
    for (let stage = 0; stage < stages; stage++)
      if (((mask >>> stage) & 1) === 0) own[step * stages + stage] = 0;
  }
  for (const table of [own, masks, momenta?.slice(first, end)])
    hash.update(table === undefined ? '-' : new Uint8Array(table.buffer));
  // Frozen stages keep their statistics, whatever the mode.
  if (!masks.every((mask) => isHeadOnly(mask, stages))) hash.update(spec.network.batchNorm);
  return hash.digest('base64');
}

/** In how many first epochs two chains are the same training. */
export function sharedEpochs(a: EpochChain, b: EpochChain): number {
  if (a.key !== b.key) return 0;
  const most = Math.min(a.epochs.length, b.epochs.length);
  let count = 0;
  while (count < most && a.epochs[count] === b.epochs[count]) count++;
  return count;
}

/** A trial's turn: with how many epochs of the one before it it begins, and after which ones later trials begin. */
export interface Turn {
  readonly chain: EpochChain;
  readonly from: number;
  readonly keep: ReadonlySet<number>;
}

/** The order in which trials share the most: sorted by their epochs, each goes on from a checkpoint of an earlier one. */
export function turnsOf(chains: readonly EpochChain[]): Turn[] {
  const sortKey = new Map(chains.map((chain) => [chain, [chain.key, ...chain.epochs].join('\n')]));
  const sorted = chains.toSorted((a, b) => (sortKey.get(a)! < sortKey.get(b)! ? -1 : 1));
  const shared = sorted.map((chain, index) => (index === 0 ? 0 : sharedEpochs(sorted[index - 1]!, chain)));
  return sorted.map((chain, index) => {
    const keep = new Set<number>();
    let least = Number.POSITIVE_INFINITY;
    for (let next = index + 1; next < sorted.length && least > 0; next++) {
      least = Math.min(least, shared[next]!);
      if (least > 0) keep.add(least);
    }
    return { chain, from: shared[index]!, keep };
  });
}
