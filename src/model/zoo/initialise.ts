import { RandomStream, STREAM } from '../../base/random.js';
import type { Parameter, Shape } from '../graph.js';
import { product } from '../shapes.js';

/**
 * He initialisation (He et al., "Delving deep into rectifiers", 2015) from one seed: weights [out, in, …] are uniform
 * with variance 2 / fan-in, everything of one axis is a bias of 0. Each tensor has a substream of its own, so its values
 * do not depend on the tensors made before it.
 */
export function initialise(shapes: ReadonlyMap<string, Shape>, seed: number): Map<string, Parameter> {
  return new Map(
    [...shapes].map(([name, shape], index) => {
      const data = new Float32Array(product(shape));
      if (shape.length > 1) {
        const stream = new RandomStream(seed, STREAM.initialWeights, index);
        const bound = Math.sqrt(6 / product(shape.slice(1)));
        for (let element = 0; element < data.length; element++)
          data[element] = (2 * stream.uniform() - 1) * bound;
      }
      return [name, { shape, data }];
    }),
  );
}
