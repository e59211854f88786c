import { POOLED } from '../model/cut.js';
import { freezePlan } from '../train/freeze.js';
import { type Phase, phasesAt } from '../train/phases.js';
import type { TrialSpec } from '../train/trial.js';

/** A stage of a source's backbone, of one image in the size of the data set. */
export interface StageSize {
  readonly name: string;
  readonly macs: number;
  readonly weights: number;
  /** Values of the activation that it ends in. */
  readonly features: number;
}

/** How fast one thread is on a network, measured (execute/calibrate.ts) or taken for typical. */
export interface NetworkSpeeds {
  /** Multiply-adds a second of the forward pass; of a backward pass through trained layers, which has twice as many. */
  readonly forwardMacs: number;
  readonly backwardMacs: number;
  /** Weights whose gradients are summed up and which are updated, a second. */
  readonly updates: number;
  /** Thread-seconds that a step and that making a network ready takes, whatever is in it. */
  readonly stepSeconds: number;
  readonly openSeconds: number;
}

/** What the cost of training a source's network on a data set depends on. */
export interface NetworkSize {
  /** Of the backbone, in order. */
  readonly stages: readonly StageSize[];
  /** Values of the pooled vector. */
  readonly pooled: number;
  readonly speeds: Readonly<Record<'fp32' | 'bf16', NetworkSpeeds>>;
}

/** Cuts whose activations there are, by `dataset/source`. */
export type ActivationCuts = ReadonlyMap<string, ReadonlySet<string>>;

/** Some steps in which the same stages are trained from the same cut. */
interface Segment {
  readonly steps: number;
  readonly phase: Phase;
  /** Bit s = stage s is trained. */
  readonly mask: number;
}

export interface TrainingSize {
  readonly images: number;
  readonly validation: number;
  readonly test: number;
  /** Pixels that are trained on, in parts of the data set's. */
  readonly scale: number;
}

const HEAD = 'head';
/** Thread-seconds of a step of one head in a head bank, at most. */
const HEAD_STEP = 2e-5;

/**
 * Thread-seconds of one network that begins each of its phases at the best of some stored activations: of every step the
 * forward pass behind the cut, the backward pass through the trained layers (of inputs and weights) and frozen ones between
 * them (of inputs), and the update of what is trained; after every epoch the validation images behind the cut; at the end the
 * test images. The steps of heads alone are a head bank's.
 */
export class NetworkCost {
  private readonly segments = new Map<string, readonly Segment[]>();

  seconds(
    spec: TrialSpec,
    size: TrainingSize,
    network: NetworkSize,
    hasCut: (cut: string) => boolean,
  ): number {
    const stages = behindOwnCut(spec, network);
    const names = [...stages.map(({ name }) => name), HEAD];
    const speeds = network.speeds[spec.network?.precision ?? 'fp32'];
    const stepsPerEpoch = Math.ceil(size.images / spec.batch);
    const segments = this.segmentsOf(spec, names, stepsPerEpoch, hasCut);
    const images = size.images / stepsPerEpoch;
    let seconds = 0;
    let last = segments[0]!;
    for (const segment of segments) {
      const { steps, phase, mask } = segment;
      const forward = size.scale * sumFrom(stages, phase.stage, ({ macs }) => macs);
      seconds += ((steps / stepsPerEpoch) * size.validation * forward) / speeds.forwardMacs;
      if (phase.stage === stages.length) seconds += steps * HEAD_STEP;
      else {
        const backward = size.scale * backwardMacs(stages, mask);
        const weights = stages.reduce(
          (sum, stage, index) => sum + (isIn(mask, index) ? stage.weights : 0),
          0,
        );
        const image = forward / speeds.forwardMacs + backward / speeds.backwardMacs;
        seconds += steps * (images * image + weights / speeds.updates + speeds.stepSeconds);
      }
      if (phase !== last.phase || segment === last) seconds += speeds.openSeconds;
      last = segment;
    }
    const behind = size.scale * sumFrom(stages, last.phase.stage, ({ macs }) => macs);
    return seconds + (size.test * behind) / speeds.forwardMacs;
  }

  /** Thread-seconds of one step that trains what the last step of a trial trains, from images. */
  stepSeconds(spec: TrialSpec, size: TrainingSize, network: NetworkSize): number {
    const whole = { ...spec, epochs: 1, strategy: 'full' } as const;
    const one = { ...size, images: Math.min(spec.batch, size.images), validation: 0, test: 0 };
    const { openSeconds } = network.speeds[spec.network?.precision ?? 'fp32'];
    return this.seconds(whole, one, network, () => false) - openSeconds;
  }

  private segmentsOf(
    { strategy, epochs }: TrialSpec,
    names: readonly string[],
    steps: number,
    hasCut: (cut: string) => boolean,
  ): readonly Segment[] {
    const cuts = names.map((name) => (hasCut(name) ? 1 : 0)).join('');
    const key = `${strategy} ${names.join()} ${steps} ${epochs} ${cuts} ${hasCut(POOLED)}`;
    const known = this.segments.get(key);
    if (known !== undefined) return known;
    const made = makeSegments(planOf(strategy, names, epochs * steps, steps), names, hasCut);
    this.segments.set(key, made);
    return made;
  }
}

/** Stages behind the cut of `last-block`; of other strategies all. */
function behindOwnCut({ strategy, cut }: TrialSpec, { stages }: NetworkSize): readonly StageSize[] {
  return strategy === 'last-block' ? stages.slice(stages.findIndex(({ name }) => name === cut) + 1) : stages;
}

/** The freeze plan; of a stage that the network does not have (such a trial fails) that of the whole network. */
function planOf(
  strategy: TrialSpec['strategy'],
  names: readonly string[],
  total: number,
  steps: number,
): Uint32Array {
  try {
    return freezePlan(strategy as Parameters<typeof freezePlan>[0], names, total, steps);
  } catch {
    return freezePlan('full', names, total, steps);
  }
}

function makeSegments(
  plan: Uint32Array,
  names: readonly string[],
  hasCut: (cut: string) => boolean,
): readonly Segment[] {
  return phasesAt(plan, names, hasCut).flatMap((phase) => {
    const segments: { steps: number; phase: Phase; mask: number }[] = [];
    for (let step = phase.first; step < phase.end; step++) {
      const last = segments.at(-1);
      if (last !== undefined && last.mask === plan[step]) last.steps++;
      else segments.push({ steps: 1, phase, mask: plan[step]! });
    }
    return segments;
  });
}

const isIn = (mask: number, stage: number): boolean => ((mask >>> stage) & 1) === 1;

/** Multiply-adds of a backward pass: two of a trained layer, one of a frozen one behind it. */
function backwardMacs(stages: readonly StageSize[], mask: number): number {
  let lowest = 0;
  while (lowest < stages.length && !isIn(mask, lowest)) lowest++;
  return sumFrom(stages, lowest, ({ macs }, index) => macs * (isIn(mask, index) ? 2 : 1));
}

function sumFrom(
  stages: readonly StageSize[],
  first: number,
  of: (stage: StageSize, index: number) => number,
): number {
  let sum = 0;
  for (let index = first; index < stages.length; index++) sum += of(stages[index]!, index);
  return sum;
}
