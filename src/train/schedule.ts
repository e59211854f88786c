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
 * One cycle (Smith & Topin, "Super-convergence", 2018) in the two-phase cosine form of PyTorch's OneCycleLR: the peak is
 * reached at step warmup · total − 1, the lowest value at the last step.
 */
function oneCycle(total: number, warmup: number, values: readonly [number, number, number]): Schedule {
  const [start, peak, end] = values;
  const peakStep = warmup * total - 1;
  const lastStep = total - 1;
  return (step) => {
    if (step <= peakStep) return anneal(start, peak, step / peakStep);
    return lastStep <= peakStep ? peak : anneal(peak, end, (step - peakStep) / (lastStep - peakStep));
  };
}

function oneCycleRates(policy: OneCycle, total: number): Schedule {
  const start = 1 / policy.startDivisor;
  return oneCycle(total, policy.warmup, [start, 1, start / policy.finalDivisor]);
}

/** Multipliers of the learning rate over `totalSteps` steps. */
export function schedule(policy: PolicySpec, totalSteps: number): Schedule {
  switch (policy.kind) {
    case 'constant':
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
  }
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
  if (policy.kind !== 'one-cycle' || policy.momentum === 'fixed') return undefined;
  const { minimum, maximum } = policy.momentum;
  const value = oneCycle(totalSteps, policy.warmup, [maximum, minimum, maximum]);
  return Float32Array.from({ length: totalSteps }, (_, step) => value(step));
}
