import type { RandomStream } from '../../../../base/random.js';
import { clamp, type ValueNoise } from '../draws.js';
import type { Projection } from '../projection.js';
import type { Spot } from '../tube.js';
import type { ChestAnatomy, Visit } from './anatomy.js';
import type { Maps } from './maps.js';
import type { Place, Side } from './signs.js';
import { chestWall, domeDrop, mediastinalBorder } from './thorax.js';

/** All that the drawing of a finding needs. */
export interface Scene {
  readonly maps: Maps;
  readonly anatomy: ChestAnatomy;
  readonly visit: Visit;
  readonly projection: Projection;
  readonly random: RandomStream;
  /** Irregularity of opacities, with knots 1 apart. */
  readonly noise: ValueNoise;
}

export function cavityOf({ anatomy }: Scene, side: Side) {
  return anatomy.cavities[side < 0 ? 0 : 1];
}

/** Mid-plane coordinates of a place in a lung, cm. */
export function locate(
  scene: Scene,
  { side, across, down }: Place,
): { readonly x: number; readonly y: number } {
  const cavity = cavityOf(scene, side);
  const share = clamp(across, 0, 1);
  const bottom = cavity.domeY + domeDrop(cavity, share);
  const y = cavity.apexY + clamp(down, 0, 1) * (bottom - cavity.apexY);
  const inner = mediastinalBorder(cavity, y);
  return { x: inner + share * (chestWall(cavity, y) - inner), y };
}

export function spotOf(scene: Scene, place: Place, z = 0): Spot {
  const { x, y } = locate(scene, place);
  return scene.projection.spot(x, y, z);
}

/** Visits the pixels of one cavity with their mid-plane coordinates and their place across, 0 to 1. */
export function forCavity(
  { maps, projection }: Scene,
  side: Side,
  visit: (pixel: number, x: number, y: number, across: number) => void,
): void {
  const { size, across } = maps;
  const { x0, y0, dx, dy } = projection.grid;
  for (let row = 0, pixel = 0; row < size; row++) {
    for (let column = 0; column < size; column++, pixel++) {
      const place = across[pixel]! * side;
      if (place > 0) visit(pixel, x0 + column * dx - row * dy, y0 + column * dy + row * dx, place);
    }
  }
}
