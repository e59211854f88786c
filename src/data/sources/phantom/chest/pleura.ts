import { ATTENUATION } from '../attenuation.js';
import { between, clamp, smoothStep } from '../draws.js';
import { solidify } from './maps.js';
import { cavityOf, forCavity, type Scene } from './scene.js';
import type { Side, Signs } from './signs.js';
import { chestWall } from './thorax.js';

/**
 * Fluid collects at the base: it fills the costophrenic angle, and its surface rises towards the chest wall (meniscus). Lying
 * patients' fluid spreads behind the lung instead and veils it.
 */
export function drawEffusion(scene: Scene, sign: NonNullable<Signs['Effusion']>): void {
  fillFluid(scene, sign.side, sign.level, sign.rise);
  if (sign.otherLevel > 0) fillFluid(scene, sign.side < 0 ? 1 : -1, sign.otherLevel, sign.rise);
}

function fillFluid(scene: Scene, side: Side, level: number, rise: number): void {
  const { maps, visit } = scene;
  const { angleY } = cavityOf(scene, side);
  const lying = visit.view === 'AP' ? 0.5 : 0;
  const softness = 0.7 + 2.2 * lying;
  const surface = angleY - level * (1 - 0.15 * lying);
  forCavity(scene, side, (pixel, _x, y, across) => {
    const meniscus = surface - rise * Math.min(1, level / 3) * (across ** 5 - 0.15);
    const depth = y - meniscus;
    const share = smoothStep(-softness, softness, depth);
    const veil = lying * 0.16 * Math.min(1, level / 5) * smoothStep(-9, 2, depth);
    solidify(maps, pixel, maps.lung[pixel]! * Math.max(share, veil));
  });
}

/**
 * Air between lung and chest wall: beyond the thin visceral line there are neither lung nor vessels. Comes before vessels and
 * texture, which then find no lung there.
 */
export function drawPneumothorax(scene: Scene, sign: NonNullable<Signs['Pneumothorax']>): void {
  const { maps, random } = scene;
  const cavity = cavityOf(scene, sign.side);
  const wave = between(random, 0, 6);
  const lineWidth = Math.max(0.12, 0.6 / scene.projection.spot(0, 0, 0).scale);
  forCavity(scene, sign.side, (pixel, x, y) => {
    const distance = visceralDistance(cavity, sign, x, y, wave);
    if (distance < 0) {
      const air = maps.lung[pixel]!;
      maps.extra[pixel]! += ATTENUATION.lung * 0.04 * air;
      maps.lung[pixel] = 0;
      return;
    }
    // The retracted lung is the denser for it; its rim is seen edge-on.
    const retracted = 0.035 + 0.03 * sign.lateral;
    const rim = Math.max(0, 1 - distance / (2 * lineWidth)) * Math.min(1, 0.13 / lineWidth);
    solidify(maps, pixel, maps.lung[pixel]! * retracted + 1.5 * rim);
  });
}

/** cm from the visceral line inwards; negative where air has taken the lung's place. */
export function visceralDistance(
  cavity: ReturnType<typeof cavityOf>,
  { side, apical, lateral }: NonNullable<Signs['Pneumothorax']>,
  x: number,
  y: number,
  wave: number,
): number {
  const down = clamp((y - cavity.apexY) / (cavity.domeY - cavity.apexY), 0, 1);
  const width = lateral * (1 - 0.65 * smoothStep(0.35, 1, down)) + 0.12 * lateral * Math.sin(wave + 5 * down);
  const wall = side * (chestWall(cavity, y) - x);
  const top = y - cavity.apexY;
  // The nearer of the two boundaries, rounded where they meet.
  const fromSide = wall - width;
  const fromTop = top - apical * (0.75 + 0.25 * clamp(1 - wall / 8, 0, 1));
  const blend = clamp(0.5 - (fromSide - fromTop) / 3, 0, 1);
  return fromTop + blend * (fromSide - fromTop) - 0.75 * blend * (1 - blend);
}

/** A band of soft tissue along the chest wall or over the apex; the costophrenic angle is blunt. */
export function drawThickening(scene: Scene, sign: NonNullable<Signs['Pleural_Thickening']>): void {
  const { maps, noise, random } = scene;
  const cavity = cavityOf(scene, sign.side);
  const [ox, oy] = [between(random, 0, 64), between(random, 0, 64)];
  const height = cavity.angleY - cavity.apexY;
  forCavity(scene, sign.side, (pixel, x, y) => {
    const uneven = sign.thickness * (0.55 + 0.9 * noise.at(ox + y / 2.2, oy));
    const down = (y - cavity.apexY) / height;
    if (sign.apical) {
      const cap = 0.7 + 1.1 * uneven - (y - cavity.apexY);
      solidify(maps, pixel, 5 * smoothStep(0, 0.7, cap));
      return;
    }
    const extent = smoothStep(1 - sign.extent - 0.12, 1 - sign.extent + 0.04, down);
    const angle = 0.5 * smoothStep(0.9, 1, down);
    const band = uneven * extent + angle - Math.abs(chestWall(cavity, y) - x);
    solidify(maps, pixel, 6 * smoothStep(-0.15, 0.3, band) * Math.min(1, extent * 2));
  });
}
