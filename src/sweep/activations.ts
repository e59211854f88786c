import { POOLED } from '../model/cut.js';
import { mayStartBehindCuts } from '../train/phases.js';
import type { TrialSpec } from '../train/trial.js';
import { extractRate, networkCostKey, type SweepSizes, trialSeconds } from './cost.js';
import type { ActivationCuts } from './network-cost.js';

/** Activations of a data set's images that are stored so that networks train from them. */
export interface StoredActivations {
  readonly dataset: string;
  readonly source: string;
  readonly cut: string;
  /** On disk. */
  readonly bytes: number;
}

/**
 * The activations that are worth their extraction: one cut after the other, always the one that saves the most time for its
 * size, as long as all fit into `limit` bytes. It goes by the trials as a whole, done or not, so that a sweep that is resumed
 * trains as it began.
 */
export function chooseActivations(
  specs: Iterable<TrialSpec>,
  sizes: SweepSizes,
  limit: number,
): readonly StoredActivations[] {
  const groups = groupsOf(specs, sizes);
  const chosen: StoredActivations[] = [];
  const cuts = new Map<string, ReadonlySet<string>>();
  let left = limit;
  for (;;) {
    const best = candidates(groups, sizes, cuts)
      .filter(({ bytes, saved }) => bytes <= left && saved > 0)
      .reduce<Candidate | undefined>(
        (top, one) => (top === undefined || isBetter(one, top) ? one : top),
        undefined,
      );
    if (best === undefined) return chosen;
    const { dataset, source, cut, bytes } = best;
    chosen.push({ dataset, source, cut, bytes });
    const key = `${dataset}/${source}`;
    cuts.set(key, new Set([...(cuts.get(key) ?? []), cut]));
    left -= bytes;
  }
}

/** Trials of one data set and source that cost the same. */
interface Alike {
  readonly spec: TrialSpec;
  count: number;
}

/** By `dataset/source`. */
function groupsOf(specs: Iterable<TrialSpec>, sizes: SweepSizes): Map<string, Alike[]> {
  const groups = new Map<string, Map<string, Alike>>();
  for (const spec of specs) {
    const key = `${spec.dataset}/${spec.source}`;
    if (!mayStartBehindCuts(spec) || sizes.networks?.has(key) !== true) continue;
    const alike = groups.get(key) ?? new Map<string, Alike>();
    groups.set(key, alike);
    const cost = networkCostKey(spec);
    const known = alike.get(cost);
    if (known === undefined) alike.set(cost, { spec, count: 1 });
    else known.count++;
  }
  return new Map([...groups].map(([key, alike]) => [key, [...alike.values()]]));
}

interface Candidate extends StoredActivations {
  /** Thread-seconds of training less those of extraction. */
  readonly saved: number;
}

const isBetter = (a: Candidate, b: Candidate): boolean => a.saved / a.bytes > b.saved / b.bytes;

function candidates(
  groups: ReadonlyMap<string, readonly Alike[]>,
  sizes: SweepSizes,
  chosen: ActivationCuts,
): Candidate[] {
  return [...groups].flatMap(([key, alike]) => {
    const { dataset, source } = alike[0]!.spec;
    const network = sizes.networks!.get(key)!;
    const images = sizes.data.get(dataset)?.images ?? 0;
    const own = chosen.get(key) ?? new Set<string>();
    const total = (cuts: ReadonlySet<string>) =>
      alike.reduce(
        (sum, { spec, count }) => sum + count * trialSeconds(spec, sizes, new Map([[key, cuts]])),
        0,
      );
    const now = total(own);
    let macs = 0;
    const places = network.stages.map(({ name, features, macs: own }) => {
      macs += own;
      return { cut: name, features, macs };
    });
    return [...places, { cut: POOLED, features: network.pooled, macs }]
      .filter(({ cut }) => !own.has(cut))
      .map(({ cut, features, macs: before }) => ({
        dataset,
        source,
        cut,
        bytes: 4 * images * features,
        saved: now - total(new Set([...own, cut])) - (images * before) / extractRate(network),
      }));
  });
}
