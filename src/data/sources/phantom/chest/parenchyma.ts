import { ATTENUATION, OVER_SOFT_TISSUE } from '../attenuation.js';
import { between, smoothStep } from '../draws.js';
import { sweepEllipse } from '../tube.js';
import { solidify } from './maps.js';
import { cavityOf, forCavity, locate, type Scene, spotOf } from './scene.js';
import type { Signs } from './signs.js';

/**
 * Lung without air takes less room: a plate (a thin oblique line at the base) or a lobe (a triangle beside the spine). The
 * raised dome and the drawn mediastinum are the anatomy's.
 */
export function drawAtelectasis(scene: Scene, sign: NonNullable<Signs['Atelectasis']>): void {
  const { maps, random } = scene;
  const { side } = sign;
  const cavity = cavityOf(scene, side);
  if (sign.plate) {
    const plates = 1 + random.integer(2);
    for (let i = 0; i < plates; i++) {
      const down = between(random, 0.7, 0.9);
      const place = { side, across: between(random, 0.35, 0.65), down };
      const length = between(random, 1.8, 3.6);
      const thickness = between(random, 0.28, 0.55);
      const tilt = side * between(random, -0.5, 0.15);
      sweepEllipse(maps.size, spotOf(scene, place), length, thickness, tilt, (pixel, squared) => {
        if (maps.across[pixel] !== 0) solidify(maps, pixel, 4.5 * sign.share * Math.sqrt(1 - squared));
      });
    }
    forCavity(scene, side, (pixel, _x, y) => {
      const base = smoothStep(cavity.domeY - 5, cavity.domeY + 1, y);
      solidify(maps, pixel, maps.lung[pixel]! * 0.16 * sign.share * base);
    });
    return;
  }
  const top = between(random, 0.42, 0.55);
  forCavity(scene, side, (pixel, _x, y, across) => {
    const down = (y - cavity.apexY) / (cavity.domeY - cavity.apexY);
    const edge = 0.08 + 0.62 * (down - top);
    const share = smoothStep(edge + 0.05, edge - 0.05, across) * smoothStep(top, top + 0.12, down);
    solidify(maps, pixel, maps.lung[pixel]! * sign.share * share);
  });
}

/** Bullae: balls of air without lung around them. The rest (large dark lungs, flat domes, few vessels) is the anatomy's. */
export function drawBullae(scene: Scene, { bullae }: NonNullable<Signs['Emphysema']>): void {
  const { maps } = scene;
  for (const bulla of bullae) {
    sweepEllipse(maps.size, spotOf(scene, bulla), bulla.radius, bulla.radius * 1.2, 0, (pixel, squared) => {
      const air = Math.min(maps.lung[pixel]!, 2 * bulla.radius * bulla.density * Math.sqrt(1 - squared));
      maps.extra[pixel]! -= ATTENUATION.lung * air;
      if (squared > 0.85) solidify(maps, pixel, 0.25);
    });
  }
}

/** A net of fine lines and small rings, at the bases and the chest wall; lungs shrink (the anatomy's). */
export function drawFibrosis(scene: Scene, { severity }: NonNullable<Signs['Fibrosis']>): void {
  const { maps, noise, random } = scene;
  const [ox, oy] = [between(random, 0, 64), between(random, 0, 64)];
  for (const side of [-1, 1] as const) {
    const cavity = cavityOf(scene, side);
    forCavity(scene, side, (pixel, x, y, across) => {
      const down = (y - cavity.apexY) / (cavity.domeY - cavity.apexY);
      const weight = smoothStep(0.35, 0.95, down) * (0.45 + 0.55 * smoothStep(0.4, 0.9, across));
      if (weight === 0) return;
      const ridges =
        Math.max(0, 1 - 7 * Math.abs(noise.at(ox + x / 0.75, oy + y / 0.75) - 0.5)) +
        Math.max(0, 1 - 8 * Math.abs(noise.at(oy + x / 1.3, ox + y / 1.3) - 0.5));
      const share = severity * weight * (0.07 + 0.22 * ridges);
      solidify(maps, pixel, maps.lung[pixel]! * Math.min(0.9, share));
    });
  }
}

/** Stomach above the diaphragm, behind the heart: a round shadow, often with air above a level of fluid. */
export function drawHernia(scene: Scene, sign: NonNullable<Signs['Hernia']>): void {
  const { maps, anatomy, projection } = scene;
  const [right] = anatomy.cavities;
  const y = right.domeY + 1.4 - 0.85 * sign.radius;
  const centre = projection.spot(sign.x + anatomy.shift, y, -4);
  const level = 0.25 - sign.air;
  sweepEllipse(maps.size, centre, sign.radius * 1.15, sign.radius, 0, (pixel, squared, _u, v) => {
    const chord = 2 * sign.radius * Math.sqrt(1 - squared);
    solidify(maps, pixel, chord);
    if (v >= level || squared > 0.88) return;
    const inside = 2 * sign.radius * Math.sqrt(0.88 - squared);
    maps.extra[pixel]! += OVER_SOFT_TISSUE.air * inside * 0.4;
  });
  const { x } = locate(scene, { side: 1, across: 0, down: 0.9 });
  const bubble = projection.spot(x + 3.4, anatomy.cavities[1].domeY + 2.2, 3);
  sweepEllipse(maps.size, bubble, 2.2, 1.1, 0, (pixel, squared) => {
    if (maps.below[pixel]! > 0.4) maps.extra[pixel]! -= OVER_SOFT_TISSUE.air * 0.2 * Math.sqrt(1 - squared);
  });
}
