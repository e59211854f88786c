import { ThawError } from '../base/errors.js';
import type { PolicySpec } from './trial.js';

/** An LR policy as a pure function: step (0-based) → multiplier of the base learning rate. */
export type Schedule = (step: number) => number;

/** Cosine from `start` to `end` as `fraction` goes from 0 to 1. */
function anneal(start: number, end: number, fraction: number): number {
  return end + ((start - end) / 2) * (1 + Math.cos(Math.PI * fraction));
}

type OneCycle = Extract<PolicySpec, { kind: 'one-cycle' }>;

/**
 * One cycle (Smith & Topin, "Super-convergence", 2018) as PyTorch's OneCycleLR: the peak is reached at step
 * warmup · total − 1, in three phases the start again as many steps later, the lowest value at the last step.
 */
function oneCycle(
  { warmup, anneal: form, threePhase }: OneCycle,
  total: number,
  { start, peak, end }: { readonly start: number; readonly peak: number; readonly end: number },
): Schedule {
  const between = form === 'linear' ? linear : anneal;
  const peakStep = warmup * total - 1;
  const corners: (readonly [step: number, value: number])[] = [
    [0, start],
    [peakStep, peak],
    ...(threePhase === true ? [[2 * peakStep, start] as const] : []),
    [total - 1, end],
  ];
  return (step) => {
    const next = 1 + corners.slice(1).findIndex(([corner]) => step <= corner);
    const [first, from] = corners[next - 1]!;
    const [last, to] = corners[next]!;
    return last <= first ? from : between(from, to, (step - first) / (last - first));
  };
}

function linear(start: number, end: number, fraction: number): number {
  return start + (end - start) * fraction;
}

function oneCycleRates(policy: OneCycle, total: number): Schedule {
  const start = 1 / policy.startDivisor;
  return oneCycle(policy, total, { start, peak: 1, end: start / policy.finalDivisor });
}

/** Multipliers of the learning rate over `totalSteps` steps. */
export function schedule(policy: PolicySpec, totalSteps: number): Schedule {
  switch (policy.kind) {
    case 'constant':
    // What its epochs' losses make of it comes on top (plateau.ts).
    case 'plateau':
      return () => 1;
    case 'cosine':
      // Loshchilov & Hutter, "SGDR", 2017, one period over the whole training; the end would be reached at step = total.
      return (step) => anneal(1, policy.final, step / totalSteps);
    case 'step': {
      const milestones = policy.at.map((fraction) => Math.round(fraction * totalSteps));
      return (step) => policy.factor ** milestones.filter((milestone) => step >= milestone).length;
    }
    case 'one-cycle':
      return oneCycleRates(policy, totalSteps);
    case 'warmup':
      return warmup(policy, totalSteps);
    case 'cyclic': {
      const height = cycleHeight(policy, totalSteps);
      return (step) => policy.minimum + (1 - policy.minimum) * height(step);
    }
    case 'warm-restarts':
      return warmRestarts(policy, totalSteps);
  }
}

type Warmup = Extract<PolicySpec, { kind: 'warmup' }>;
type Cyclic = Extract<PolicySpec, { kind: 'cyclic' }>;
type WarmRestarts = Extract<PolicySpec, { kind: 'warm-restarts' }>;

/** Goyal et al., "Accurate, large minibatch SGD", 2017: the full rate is reached at step round(warmup · total). */
function warmup({ warmup: part, start, after }: Warmup, total: number): Schedule {
  const reached = Math.round(part * total);
  return (step) => {
    if (step < reached) return start + ((1 - start) * step) / reached;
    const fraction = (step - reached) / (total - reached);
    if (after === 'constant') return 1;
    return after === 'linear' ? 1 - fraction : anneal(1, 0, fraction);
  };
}

/**
 * Height over the minimum, 0 to 1 (Smith, "Cyclical learning rates for training neural networks", 2017, as PyTorch's
 * CyclicLR). Steps up and down are whole, at least one of each, so that cycles are equally long.
 */
function cycleHeight({ mode, cycles, rise, gamma }: Cyclic, total: number): Schedule {
  const length = Math.max(2, Math.round(total / cycles));
  const up = Math.min(length - 1, Math.max(1, Math.round(rise * length)));
  const amplitude = (step: number) => {
    if (mode === 'triangular') return 1;
    return mode === 'exp-range' ? gamma ** step : 1 / 2 ** Math.floor(step / length);
  };
  return (step) => {
    const place = step % length;
    return amplitude(step) * (place <= up ? place / up : (length - place) / (length - up));
  };
}

/**
 * Loshchilov & Hutter, "SGDR", 2017, as PyTorch's CosineAnnealingWarmRestarts with a first cycle of the whole number of steps
 * that is nearest to total / (1 + m + m² + …).
 */
function warmRestarts({ cycles, multiply, minimum }: WarmRestarts, total: number): Schedule {
  let shares = 0;
  for (let cycle = 0; cycle < cycles; cycle++) shares += multiply ** cycle;
  const first = Math.max(1, Math.round(total / shares));
  return (step) => {
    let place = step;
    let length = first;
    for (; place >= length; length *= multiply) place -= length;
    return anneal(1, minimum, place / length);
  };
}

/** [totalSteps] learning rate of every step. */
export function learningRates(policy: PolicySpec, lr: number, totalSteps: number): Float32Array {
  if (!(lr > 0)) {
    throw new ThawError('CONFIG', `expected a learning rate above 0 but received ${lr}.`, {
      hint: 'A stage that must not move is frozen by its strategy, not by a learning rate of 0.',
    });
  }
  const multiplier = schedule(policy, totalSteps);
  return Float32Array.from({ length: totalSteps }, (_, step) => lr * multiplier(step));
}

/** [steps × stages] learning rate of every stage: the step's, times the stage's own factor. */
export function rateTable(rates: Float32Array, factors: readonly number[]): Float32Array {
  const table = new Float32Array(rates.length * factors.length);
  for (const [step, rate] of rates.entries()) {
    for (const [stage, factor] of factors.entries()) table[step * factors.length + stage] = rate * factor;
  }
  return table;
}

/** [totalSteps] momentum (SGD) or β1 (Adam) of every step where the policy moves it, else undefined. */
export function momenta(policy: PolicySpec, totalSteps: number): Float32Array | undefined {
  if ((policy.kind !== 'one-cycle' && policy.kind !== 'cyclic') || policy.momentum === 'fixed')
    return undefined;
  const { minimum, maximum } = policy.momentum;
  if (policy.kind === 'cyclic') {
    const height = cycleHeight(policy, totalSteps);
    return Float32Array.from(
      { length: totalSteps },
      (_, step) => maximum - (maximum - minimum) * height(step),
    );
  }
  const value = oneCycle(policy, totalSteps, { start: maximum, peak: minimum, end: maximum });
  return Float32Array.from({ length: totalSteps }, (_, step) => value(step));
}
