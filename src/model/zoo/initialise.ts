import { ThawError } from '../../base/errors.js';
import { RandomStream, STREAM } from '../../base/random.js';
import type { Parameter, Shape } from '../graph.js';
import { product } from '../shapes.js';

/** What the initial numbers of a parameter are drawn from. */
export type Distribution =
  | { readonly kind: 'constant'; readonly value: number }
  /** [−bound, bound) */
  | { readonly kind: 'uniform'; readonly bound: number }
  /** Mean 0. */
  | { readonly kind: 'normal'; readonly deviation: number };

export interface ParameterPlan {
  readonly shape: Shape;
  readonly initial: Distribution;
}

/** More numbers than this (4 GB) are taken for a slip in the architecture's numbers. */
const MOST_NUMBERS = 2 ** 30;

/**
 * Initial parameters from one seed. Each tensor has a substream of its own, so its values do not depend on the tensors
 * made before it. Without a seed all are 0. Throws MODEL, before anything is allocated, for a network of more than 2³⁰ numbers.
 */
export function initialise(
  plans: ReadonlyMap<string, ParameterPlan>,
  seed: number | null,
): Map<string, Parameter> {
  let numbers = 0;
  for (const { shape } of plans.values()) numbers += product(shape);
  if (numbers > MOST_NUMBERS) {
    const summary = `the network would have ${numbers} weights, more than the ${MOST_NUMBERS} that are allowed.`;
    throw new ThawError('MODEL', summary);
  }
  return new Map(
    [...plans].map(([name, { shape, initial }], index) => {
      const data = new Float32Array(product(shape));
      if (seed !== null) fill(data, initial, new RandomStream(seed, STREAM.initialWeights, index));
      return [name, { shape, data }];
    }),
  );
}

/** He et al., "Delving deep into rectifiers", 2015: weights [out, in, …] are uniform with variance 2 / fan-in. */
export function heUniform(shape: Shape): Distribution {
  return { kind: 'uniform', bound: Math.sqrt(6 / fanIn(shape)) };
}

/** He et al. 2015: weights [out, in, …] are normal with variance 2 / fan-in, or 2 / fan-out for the backward pass. */
export function heNormal(shape: Shape, fan: 'in' | 'out'): Distribution {
  return { kind: 'normal', deviation: Math.sqrt(2 / (fan === 'in' ? fanIn(shape) : fanOut(shape))) };
}

/** PyTorch's own start of a linear layer, weights and biases alike: uniform in ±1 / √inputs. */
export function linearUniform(inputs: number): Distribution {
  return { kind: 'uniform', bound: 1 / Math.sqrt(inputs) };
}

export function constant(value: number): Distribution {
  return { kind: 'constant', value };
}

function fill(data: Float32Array, initial: Distribution, random: RandomStream): void {
  switch (initial.kind) {
    case 'constant':
      data.fill(initial.value);
      break;
    case 'uniform':
      for (let element = 0; element < data.length; element++)
        data[element] = (2 * random.uniform() - 1) * initial.bound;
      break;
    case 'normal':
      for (let element = 0; element < data.length; element++)
        data[element] = random.normal() * initial.deviation;
      break;
  }
}

function fanIn(shape: Shape): number {
  return product(shape.slice(1));
}

function fanOut([outputs = 0, , ...kernel]: Shape): number {
  return outputs * product(kernel);
}
