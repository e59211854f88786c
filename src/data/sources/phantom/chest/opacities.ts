import { ATTENUATION } from '../attenuation.js';
import { between, smoothStep } from '../draws.js';
import { sweepEllipse, sweepTube } from '../tube.js';
import { solidify } from './maps.js';
import { cavityOf, forCavity, locate, type Scene, spotOf } from './scene.js';
import type { Haze, Signs, Sphere } from './signs.js';

/** Round soft-tissue lesions: a ball's chord in place of lung; calcified ones are denser than soft tissue. */
export function drawSpheres(scene: Scene, spheres: readonly Sphere[]): void {
  const { maps } = scene;
  for (const sphere of spheres) {
    const { radius, density } = sphere;
    const stretch = between(scene.random, 0.88, 1.14);
    const angle = between(scene.random, 0, Math.PI);
    sweepEllipse(
      maps.size,
      spotOf(scene, sphere),
      radius * stretch,
      radius / stretch,
      angle,
      (pixel, squared) => {
        const chord = 2 * radius * Math.sqrt(1 - squared);
        if (maps.across[pixel] === 0) return;
        solidify(maps, pixel, chord * Math.min(1, density));
        if (density > 1) maps.extra[pixel]! += ATTENUATION.softTissue * (density - 1) * chord;
      },
    );
  }
}

/** Ill-defined opacities: a share of the lung is airless, most at the centre, broken up by noise. */
export function drawHazes(scene: Scene, hazes: readonly Haze[]): void {
  const { maps, noise, random } = scene;
  for (const haze of hazes) {
    const centre = locate(scene, haze);
    const [ox, oy] = [between(random, 0, 64), between(random, 0, 64)];
    forCavity(scene, haze.side, (pixel, x, y) => {
      const u = (x - centre.x) / haze.width;
      const v = (y - centre.y) / haze.height;
      const squared = u * u + v * v;
      if (squared > 9) return;
      const broken =
        0.35 +
        0.9 * noise.at(ox + x / 1.1, oy + y / 1.1) * (0.6 + 0.8 * noise.at(oy + x / 0.5, ox + y / 0.5));
      solidify(
        maps,
        pixel,
        maps.lung[pixel]! * Math.min(0.95, haze.share * broken * Math.exp(-squared / 2)) * 1.25,
      );
    });
  }
}

/** A lobe filled with fluid: dense, sharp towards the fissure, with air-filled bronchi that stay dark. */
export function drawConsolidation(scene: Scene, sign: NonNullable<Signs['Consolidation']>): void {
  const { maps, noise, random, projection } = scene;
  const cavity = cavityOf(scene, sign.side);
  const [ox, oy] = [between(random, 0, 64), between(random, 0, 64)];
  const reach = between(random, 0.7, 1.1);
  const slope = between(random, -0.12, 0.12);
  const bronchi = bronchialTree(scene, sign);
  const before = maps.lung.slice();
  forCavity(scene, sign.side, (pixel, x, y, across) => {
    const down = (y - cavity.apexY) / (cavity.domeY - cavity.apexY) + slope * across;
    const fissure = smoothStep(sign.from - 0.015, sign.from + 0.03, down);
    const fading = smoothStep(sign.to + 0.18, sign.to - 0.1, down) * smoothStep(reach, reach - 0.35, across);
    const broken = 0.7 + 0.6 * noise.at(ox + x / 1.6, oy + y / 1.6);
    solidify(maps, pixel, maps.lung[pixel]! * Math.min(0.95, sign.share * fissure * fading * broken));
  });
  for (const { from, to, radius } of bronchi) {
    const a = projection.spot(from.x, from.y, 0);
    const b = projection.spot(to.x, to.y, 0);
    sweepTube(maps.size, a, b, radius, radius * 0.8, (pixel, distance, r, share) => {
      const filled = before[pixel]! - maps.lung[pixel]!;
      const air = Math.min(Math.max(0, filled), 2 * r * Math.sqrt(1 - distance) * share);
      maps.soft[pixel]! -= air;
      maps.lung[pixel]! += air;
    });
  }
}

function bronchialTree(scene: Scene, { side, from, to }: NonNullable<Signs['Consolidation']>) {
  const { random } = scene;
  const root = locate(scene, { side, across: 0.12, down: 0.45 });
  const middle = (from + to) / 2;
  return Array.from({ length: 5 }, (_, i) => {
    const end = locate(scene, { side, across: 0.3 + 0.13 * i, down: middle + between(random, -0.12, 0.12) });
    return { from: root, to: end, radius: between(random, 0.2, 0.32) };
  });
}

/** Fluid in both lungs, most around the hila; thickened septa at the chest wall (Kerley's B lines). */
export function drawEdema(scene: Scene, sign: NonNullable<Signs['Edema']>): void {
  const { maps, noise, random, projection } = scene;
  const [ox, oy] = [between(random, 0, 64), between(random, 0, 64)];
  for (const side of [-1, 1] as const) {
    const cavity = cavityOf(scene, side);
    const hilum = { x: side * 4.2, y: cavity.apexY + 12.5 };
    const strength = sign.share * between(random, 0.75, 1.2);
    forCavity(scene, side, (pixel, x, y) => {
      const squared = ((x - hilum.x) / 5.2) ** 2 + ((y - hilum.y) / 6.5) ** 2;
      const broken = 0.55 + 0.9 * noise.at(ox + x / 1.3, oy + y / 1.3);
      solidify(maps, pixel, maps.lung[pixel]! * strength * broken * (0.25 + Math.exp(-squared / 1.6)));
    });
    for (let line = 0; line < sign.septalLines; line++) {
      const down = between(random, 0.62, 0.97);
      const outer = spotOf(scene, { side, across: 0.99, down });
      const inner = locate(scene, { side, across: between(random, 0.84, 0.91), down });
      sweepTube(
        maps.size,
        outer,
        projection.spot(inner.x, inner.y, 0),
        0.09,
        0.06,
        (pixel, distance, _r, share) => solidify(maps, pixel, 1.1 * Math.sqrt(1 - distance) * share),
      );
    }
  }
}
