import { OVER_SOFT_TISSUE } from '../attenuation.js';
import type { Projection } from '../projection.js';
import { sweepEllipse, sweepTube } from '../tube.js';
import type { ChestAnatomy, Ellipsoid } from './anatomy.js';
import { type Maps, solidify } from './maps.js';

/** Heart, great vessels, hila and trachea: soft tissue in place of lung, air in place of soft tissue. */
export function fillMediastinum(maps: Maps, anatomy: ChestAnatomy, projection: Projection): void {
  const { patient, shift, cavities } = anatomy;
  const { halfDepth, aorta } = patient;
  fillHeart(maps, anatomy, projection);
  const top = cavities[0].apexY;
  const arch = top + 6.2;
  const tube = (points: readonly (readonly [number, number, number])[], radius: number) => {
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1]!, points[i]!];
      const from = projection.spot(a[0] + shift, a[1], a[2]);
      const to = projection.spot(b[0] + shift, b[1], b[2]);
      sweepTube(maps.size, from, to, radius, radius, (pixel, distance, r, share) =>
        solidify(maps, pixel, 2 * r * Math.sqrt(1 - distance) * share),
      );
    }
  };
  const ball = (x: number, y: number, z: number, a: number, b: number, depth: number) => {
    ellipsoid(maps, projection, { x: x + shift, y, z, semiA: a, semiB: b, semiDepth: depth, angle: 0 });
  };
  ball(0.9 + 1.0 * aorta, arch, -0.1 * halfDepth, 1.6 * aorta, 1.7 * aorta, 2.6);
  tube(
    [
      [-1.7, top + 1, 1],
      [-2.2 - 0.3 * (aorta - 1), arch + 1, 2],
      [-1.8, arch + 8, 3],
    ],
    1.25,
  );
  tube(
    [
      [2.2, arch, -4],
      [2.2 + 0.5 * (aorta - 1), arch + 8, -5.5],
      [1.2, arch + 20, -6.5],
    ],
    1.25 * aorta,
  );
  ball(1.9, arch + 4.2, 2, 1.75, 3, 2.4);
  // Pulmonary arteries of both hila, the left one higher.
  const hilum = arch + 4.2;
  tube(
    [
      [-1, hilum, 0.5],
      [-3.1, hilum + 0.6, 0],
      [-4.3, hilum + 3.6, -0.5],
      [-4.9, hilum + 6, -1],
    ],
    0.78,
  );
  tube(
    [
      [1.5, hilum - 0.6, 0.5],
      [3.6, hilum - 1, 0],
      [4.6, hilum + 1.8, -1],
      [5, hilum + 4.4, -1.5],
    ],
    0.75,
  );
  fillAirways(maps, anatomy, projection);
}

/** The union of both parts of the heart. */
function fillHeart(maps: Maps, { ventricles, atrium }: ChestAnatomy, projection: Projection): void {
  const chord = new Float32Array(maps.size * maps.size);
  for (const part of [ventricles, atrium]) {
    const centre = projection.spot(part.x, part.y, part.z);
    sweepEllipse(maps.size, centre, part.semiA, part.semiB, part.angle, (pixel, squared) => {
      chord[pixel] = Math.max(chord[pixel]!, 2 * part.semiDepth * Math.sqrt(1 - squared));
    });
  }
  for (let pixel = 0; pixel < chord.length; pixel++) {
    if (chord[pixel]! > 0) solidify(maps, pixel, chord[pixel]!);
  }
}

export function ellipsoid(maps: Maps, projection: Projection, shape: Ellipsoid, density = 1): void {
  const centre = projection.spot(shape.x, shape.y, shape.z);
  sweepEllipse(maps.size, centre, shape.semiA, shape.semiB, shape.angle, (pixel, squared) =>
    solidify(maps, pixel, 2 * shape.semiDepth * density * Math.sqrt(1 - squared)),
  );
}

function fillAirways(maps: Maps, { cavities, shift }: ChestAnatomy, projection: Projection): void {
  const top = cavities[0].apexY;
  const carina = top + 8.6;
  const branches: readonly (readonly [number, number, number, number, number])[] = [
    [0.1, top - 9, 0.1 + 0.5 * shift, top + 2, 0.85],
    [0.1 + 0.5 * shift, top + 2, 0.2 + shift, carina, 0.8],
    [0.2 + shift, carina - 0.4, -3 + shift, carina + 2.2, 0.6],
    [0.2 + shift, carina - 0.4, 3.9 + shift, carina + 2.8, 0.52],
  ];
  for (const [ax, ay, bx, by, radius] of branches) {
    const a = projection.spot(ax, ay, 0);
    const b = projection.spot(bx, by, 0);
    sweepTube(maps.size, a, b, radius, 0.9 * radius, (pixel, distance, r, share) => {
      maps.extra[pixel]! += OVER_SOFT_TISSUE.air * 2 * r * Math.sqrt(1 - distance) * share;
    });
  }
}
