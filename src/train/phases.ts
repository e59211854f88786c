import { POOLED } from '../model/cut.js';
import type { TrialSpec } from './trial.js';

/** A run of steps that one network trains: the whole one, or the part of it behind a cut at which nothing has changed yet. */
export interface Phase {
  /** Steps [first, end). */
  readonly first: number;
  readonly end: number;
  /** The whole network's first stage that the part has. */
  readonly stage: number;
  /** Where the part begins; undefined = at the image. */
  readonly cut: string | undefined;
}

/**
 * Whether parts of a trial's network can be trained from activations that were stored once an image: augmented images and dropout in
 * dense blocks, which acts in frozen stages too, make others of them in every step, and `none` begins with weights of its own.
 */
export function mayStartBehindCuts({ strategy, network }: Pick<TrialSpec, 'strategy' | 'network'>): boolean {
  const alike = network?.augment === 'none' && network.denseDropout === undefined;
  return alike && strategy !== 'last-block' && strategy !== 'none';
}

/**
 * [steps] how many of the first stages no step has trained up to and with this one: a stage that is frozen again later is not
 * what it was, so activations that were stored before do not hold behind it.
 */
export function untouchedStages(plan: Uint32Array): Uint8Array {
  const untouched = new Uint8Array(plan.length);
  let least = 32;
  for (const [step, mask] of plan.entries()) {
    least = Math.min(least, lowestBit(mask));
    untouched[step] = least;
  }
  return untouched;
}

/** Whether nothing but the head, the last of `stages` stages, is trained in a step. */
export function isHeadOnly(mask: number, stages: number): boolean {
  return lowestBit(mask) === stages - 1;
}

function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/**
 * The cuts at which training could begin while `untouched` stages are as in the source, the best first: after the last of
 * them, or where the head is all that is trained the pooled features; then those after earlier stages.
 */
export function cutsFor(untouched: number, stages: readonly string[]): string[] {
  const cuts = stages.slice(0, untouched).reverse();
  return untouched === stages.length - 1 ? [POOLED, ...cuts] : cuts;
}

/** Index of the whole network's stage that a part behind a cut begins with. */
export function stageBehind(cut: string | undefined, stages: readonly string[]): number {
  if (cut === undefined) return 0;
  return cut === POOLED ? stages.length - 1 : stages.indexOf(cut) + 1;
}

/**
 * The phases of a freeze plan, each from the best of the cuts whose activations there are. `stages` are the names of the whole
 * network's stages, its head last.
 */
export function phasesAt(
  plan: Uint32Array,
  stages: readonly string[],
  hasCut: (cut: string) => boolean,
): readonly Phase[] {
  const phases: Phase[] = [];
  const untouched = untouchedStages(plan);
  const chosen = new Map<number, string | undefined>();
  for (let step = 0; step < plan.length; step++) {
    const count = untouched[step]!;
    if (!chosen.has(count)) chosen.set(count, cutsFor(count, stages).find(hasCut));
    const cut = chosen.get(count);
    const last = phases.at(-1);
    if (last !== undefined && last.cut === cut) phases[phases.length - 1] = { ...last, end: step + 1 };
    else phases.push({ first: step, end: step + 1, stage: stageBehind(cut, stages), cut });
  }
  return phases;
}
