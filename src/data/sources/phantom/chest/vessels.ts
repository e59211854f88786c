import type { RandomStream } from '../../../../base/random.js';
import { between, ValueNoise } from '../draws.js';
import type { Projection } from '../projection.js';
import { sweepTube } from '../tube.js';
import type { ChestAnatomy } from './anatomy.js';
import { type Maps, solidify } from './maps.js';

const TRUNKS = 9;
const GENERATIONS = 5;

/**
 * Branching, tapering vessels of both lungs: each branch gives two, whose radii keep the cross-section (Murray's law with
 * exponent 3). `upper` widens those to the upper lobes, `pruning` (0 to 1) takes the peripheral ones away.
 */
export function fillVessels(
  maps: Maps,
  anatomy: ChestAnatomy,
  projection: Projection,
  random: RandomStream,
  { upper, pruning }: { readonly upper: number; readonly pruning: number },
): void {
  const { cavities, patient, shift } = anatomy;
  const width = Math.cbrt(patient.vesselDensity);
  const hilum = cavities[0].apexY + 10.6;
  const grow = (
    x: number,
    y: number,
    z: number,
    heading: number,
    radius: number,
    length: number,
    generation: number,
  ): void => {
    const dx = length * Math.cos(heading);
    const dy = length * Math.sin(heading);
    const dz = between(random, -0.35, 0.35) * length;
    const wide = radius * width * (dy < 0 ? upper : 1);
    const from = projection.spot(x, y, z);
    const to = projection.spot(x + dx, y + dy, z + dz);
    sweepTube(maps.size, from, to, wide, wide * 0.85, (pixel, distance, r, share) => {
      if (maps.across[pixel] !== 0) solidify(maps, pixel, 2 * r * Math.sqrt(1 - distance) * share);
    });
    if (generation + 1 >= GENERATIONS * (1 - 0.4 * pruning)) return;
    const share = between(random, 0.35, 0.65);
    const turn = between(random, 0.25, 0.55);
    for (const [sign, part] of [
      [-1, share],
      [1, 1 - share],
    ] as const) {
      const next = heading + sign * turn * (1.4 - part) + between(random, -0.12, 0.12);
      const shrink = 0.9 * Math.cbrt(part);
      const longer = length * between(random, 0.72, 0.95);
      grow(x + dx, y + dy, z + dz, next, radius * shrink, longer, generation + 1);
    }
  };
  for (const cavity of cavities) {
    const { side } = cavity;
    for (let trunk = 0; trunk < TRUNKS; trunk++) {
      // From steeply up (−1.3 rad) to steeply down (1.45 rad), measured from the lateral direction.
      const slope = -1.3 + (2.75 * (trunk + between(random, 0.2, 0.8))) / TRUNKS;
      const heading = side > 0 ? slope : Math.PI - slope;
      const start = hilum + (side > 0 ? -1 : 0) + 1.6 * slope;
      grow(side * 3.6 + shift, start, 0, heading, between(random, 0.4, 0.58), between(random, 2.8, 3.8), 0);
    }
  }
}

/** Fine vessels, bronchial walls and septa that are not drawn one by one. */
export function fillParenchyma(maps: Maps, random: RandomStream, amount: number): void {
  const noise = new ValueNoise(random, 64);
  const { size, lung, across } = maps;
  const fine = 40 / 0.9 / size;
  const coarse = 40 / 3.2 / size;
  for (let row = 0, pixel = 0; row < size; row++) {
    for (let column = 0; column < size; column++, pixel++) {
      if (across[pixel] === 0) continue;
      const texture = noise.at(column * fine, row * fine) + noise.at(column * coarse + 17, row * coarse);
      solidify(maps, pixel, lung[pixel]! * amount * (0.4 + 0.6 * texture));
    }
  }
}
