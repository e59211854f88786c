import { availableParallelism } from 'node:os';
import { groupBy } from '../base/group-by.js';
import type { NativeTrainResult } from '../engine/addon.js';
import { HeadBank } from '../engine/head-bank.js';
import type { FeatureStore } from '../features/store.js';
import { bankKey, bankOptions, validationOf } from './bank-options.js';
import { EpochControl } from './epoch-control.js';
import { pickRows } from './evaluate-trial.js';
import { columnOf, runEpochs } from './head-epochs.js';
import type { NetworkTrialInputs, NetworkTrialSpec } from './network-setup.js';
import type { BestEpoch } from './network-training.js';
import type { Checkpoint, EpochChain } from './shared-epochs.js';
import { sampleOrder, type TrialOptions } from './trial-rows.js';

/** Where the head of a trial got in its head-only epochs, or the step at which its loss left the numbers. */
export type ProbeResult = Checkpoint | { readonly failedStep: number };

/** The parameters of the classifier that a network ends in. */
export interface ClassifierNames {
  readonly weight: string;
  readonly bias: string;
}

/** Memory of the heads and validation logits of one bank. */
const BANK_BYTES = 256 << 20;

/** Whether a head bank can train the head of a trial as its network would. */
export function mayProbe({ network, lr }: NetworkTrialSpec): boolean {
  return network.clipNorm === 0 && network.precision === 'fp32' && lr !== 'auto';
}

/**
 * Trains the head-only epochs that trials begin with on pooled features, all together in head banks; results are in the order of
 * the chains. Each equals, to float rounding, the epochs that the trial's own network would begin with. Throws as head banks do.
 */
export async function trainProbes(
  inputs: NetworkTrialInputs,
  pooled: FeatureStore,
  names: ClassifierNames,
  chains: readonly EpochChain[],
  options: Pick<TrialOptions, 'signal'>,
): Promise<ProbeResult[]> {
  const results = new Map<EpochChain, ProbeResult>();
  for (const alike of groupBy(chains, ({ trial }) => bankKey(trial)).values()) {
    for (const bank of chunks(alike, bytesOf(inputs, pooled, alike))) {
      const trained = await trainBank(inputs, pooled, names, bank, options);
      for (const [index, chain] of bank.entries()) results.set(chain, trained[index]!);
    }
  }
  return chains.map((chain) => results.get(chain)!);
}

/** Of one head. */
function bytesOf(inputs: NetworkTrialInputs, pooled: FeatureStore, chains: readonly EpochChain[]): number {
  const trials = chains.map(({ trial }) => trial);
  const rows = Math.max(validationOf(trials, inputs).length, 1);
  return 4 * inputs.task.outputNames.length * (4 * (pooled.index.shape[0]! + 1) + rows);
}

function chunks(chains: readonly EpochChain[], bytes: number): EpochChain[][] {
  const perBank = Math.max(1, Math.floor(BANK_BYTES / bytes));
  const sorted = chains.toSorted((a, b) => (groupKey(a) < groupKey(b) ? -1 : 1));
  return Array.from({ length: Math.ceil(sorted.length / perBank) }, (_, index) =>
    sorted.slice(index * perBank, (index + 1) * perBank),
  );
}

/** Chains with equal keys see the same rows in the same order, for as many epochs. */
function groupKey({ trial, headEpochs }: EpochChain): string {
  return `${trial.groupKey} ${headEpochs}`;
}

async function trainBank(
  inputs: NetworkTrialInputs,
  pooled: FeatureStore,
  names: ClassifierNames,
  chains: readonly EpochChain[],
  call: Pick<TrialOptions, 'signal'>,
): Promise<ProbeResult[]> {
  const probes = chains.map((chain) => ({ ...chain.trial, groupKey: groupKey(chain), chain }));
  const { threads = availableParallelism(), ...others } = inputs;
  const options = bankOptions({ ...others, threads, features: pooled }, probes, {
    select: chains[0]!.spec.select,
    groupOf: ({ chain, subset, validationRows }) => ({
      order: sampleOrder(subset.rows, chain.headEpochs, chain.spec.seed),
      rowsPerEpoch: subset.rows.length,
      validationRows,
    }),
    scheduleOf: ({ chain: { headRates, headMomenta } }) => ({
      learningRates: headRates,
      ...(headMomenta === undefined ? {} : { momenta: headMomenta }),
    }),
  });
  const bank = HeadBank.create(options);
  try {
    const run = chains.map(({ spec, headEpochs }) => ({ spec: { ...spec, epochs: headEpochs } }));
    const history = await runEpochs(bank, run, call);
    const rows = validationOf(probes, inputs);
    const logits = await bank.infer(rows, 'best', call);
    const size = rows.length * inputs.task.outputNames.length;
    return chains.map((chain, head) => {
      const failedStep = history.map((part) => part.failedStep[head]!).find((step) => step >= 0);
      if (failedStep !== undefined) return { failedStep };
      const own = logits.slice(head * size, (head + 1) * size);
      return checkpointOf(bank, names, chain, head, history, { rows, logits: own, threads });
    });
  } finally {
    bank.dispose();
  }
}

interface Evaluated {
  /** [rows × outputs] of the best head. */
  readonly logits: Float32Array;
  readonly rows: Uint32Array;
  readonly threads: number;
}

function checkpointOf(
  bank: HeadBank,
  names: ClassifierNames,
  { trial, spec, headEpochs }: EpochChain,
  head: number,
  history: readonly NativeTrainResult[],
  { logits, rows, threads }: Evaluated,
): Checkpoint {
  const curve = (name: 'trainLoss' | 'validationLoss' | 'validationAuroc') =>
    columnOf(history, name, head).slice(0, headEpochs);
  const [trainLoss, validationLoss, validationAuroc] = [
    curve('trainLoss'),
    curve('validationLoss'),
    curve('validationAuroc'),
  ];
  const control = new EpochControl(spec);
  const criteria: number[] = [];
  // A training that has ended leaves its rates at 0: the epochs behind its end are none.
  while (criteria.length < headEpochs && control.rateFactor > 0)
    criteria.push(control.note(validationLoss[criteria.length]!, validationAuroc[criteria.length]!));
  const epochs = criteria.length;
  const epoch = history.at(-1)!.bestEpoch[head]!;
  const { weight, bias } = bank.weights(head, 'best');
  const best: BestEpoch = {
    epoch,
    criterion: criteria[epoch]!,
    logits: pickRows(logits, logits.length / rows.length, rows, trial.validationRows),
    weights: new Map([
      [names.weight, weight],
      [names.bias, bias],
    ]),
  };
  const seconds = (name: 'trainSeconds' | 'validateSeconds') =>
    history.reduce((sum, part) => sum + part[name][head]!, 0) / threads;
  return {
    epochs,
    done: {
      trainLoss: trainLoss.slice(0, epochs),
      validationLoss: validationLoss.slice(0, epochs),
      validationAuroc: validationAuroc.slice(0, epochs),
      best,
      trainSeconds: seconds('trainSeconds'),
      validateSeconds: seconds('validateSeconds'),
    },
    state: bank.trainingState(head, names),
  };
}
