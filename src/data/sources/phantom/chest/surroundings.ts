import { ATTENUATION, OVER_SOFT_TISSUE } from '../attenuation.js';
import { between, chance } from '../draws.js';
import { type Spot, sweepEllipse, sweepTube } from '../tube.js';
import { cavityOf, type Scene } from './scene.js';

/** What is in the beam besides chest and findings: breasts, stomach bubble, cables, catheters, the side marker. */
export function drawSurroundings(scene: Scene): void {
  drawBreasts(scene);
  drawStomachBubble(scene);
  drawDevices(scene);
  drawMarker(scene);
}

/** Half glandular tissue, half fat: fuller below, where the fold is seen edge-on. */
function drawBreasts({ maps, anatomy, projection, random, visit }: Scene): void {
  const { breast, breastWidth, halfWidth, halfDepth } = anatomy.patient;
  const hanging = visit.view === 'PA' ? 0.8 : 1.15;
  const tissue = 0.5 * (ATTENUATION.softTissue + ATTENUATION.adipose);
  for (const side of [-1, 1]) {
    const sag = between(random, 3.2, 4.6) + 0.25 * breast;
    if (breast === 0) continue;
    const spread = visit.view === 'PA' ? 0.6 : 0.68;
    const centre = projection.spot(side * spread * halfWidth, sag, halfDepth + 1.5);
    const thick = breast * between(random, 0.9, 1.1);
    sweepEllipse(maps.size, centre, breastWidth * hanging, 1.25 * breastWidth, 0, (pixel, squared, u, v) => {
      // The upper half rises slowly, the lower half is a quarter ball.
      const lower = v > 0 ? u * u + (v / 0.72) ** 2 : squared;
      if (lower < 1) maps.extra[pixel]! += tissue * thick * Math.sqrt(1 - lower) * (v > 0 ? 1 : 1 + 0.85 * v);
    });
  }
}

function drawStomachBubble(scene: Scene): void {
  const { maps, projection, random } = scene;
  const { domeY, lateral } = cavityOf(scene, 1);
  const shows = chance(random, 0.6);
  const [x, y] = [lateral * between(random, 0.35, 0.6), domeY + between(random, 1.5, 3.2)];
  const [a, b] = [between(random, 1.4, 3.2), between(random, 0.8, 1.7)];
  if (!shows) return;
  sweepEllipse(maps.size, projection.spot(x, y, 2), a, b, 0, (pixel, squared) => {
    if (maps.below[pixel]! > 0.5 || maps.across[pixel] === 0)
      maps.extra[pixel]! += OVER_SOFT_TISSUE.air * 1.6 * b * Math.sqrt(1 - squared);
  });
}

/** Electrodes and their cables, a central venous catheter, a pacemaker: whatever the findings, more often in bed. */
function drawDevices(scene: Scene): void {
  const { maps, projection, random, anatomy, visit } = scene;
  const bedside = visit.view === 'AP';
  const { halfWidth, halfDepth } = anatomy.patient;
  const top = anatomy.cavities[0].apexY;
  const front = halfDepth + 2;
  const wire = (
    points: readonly (readonly [number, number])[],
    z: number,
    radius: number,
    attenuation: number,
  ) => {
    const spots = points.map(([x, y]) => projection.spot(x, y, z));
    for (let i = 1; i < spots.length; i++) {
      sweepTube(maps.size, spots[i - 1]!, spots[i]!, radius, radius, (pixel, distance, r, share) => {
        maps.extra[pixel]! += attenuation * 2 * r * Math.sqrt(1 - distance) * share;
      });
    }
  };
  const electrodes = chance(random, bedside ? 0.5 : 0.06);
  const places = Array.from({ length: 3 }, (_, i) => [
    (i === 0 ? -0.6 : 0.6) * halfWidth + between(random, -2, 2),
    top + (i < 2 ? 5 : 17) + between(random, -2, 3),
  ]) as [number, number][];
  const exit = [between(random, -14, 14), 24] as const;
  if (electrodes) {
    for (const [x, y] of places) {
      disc(maps.size, projection.spot(x, y, front), 0.55, (pixel, squared) => {
        maps.extra[pixel]! += 0.12 + (squared < 0.2 ? 1.2 : 0);
      });
      wire(sagging([x, y], exit, between(random, -3, 3)), front, 0.05, 0.4 * ATTENUATION.copper);
    }
  }
  const catheter = chance(random, bedside ? 0.3 : 0.03);
  const tip = top + between(random, 8.5, 13);
  if (catheter)
    wire(
      [
        [-4.6, top - 4],
        [-3.6, top + 1],
        [-2.6, top + 5],
        [-2.2, tip],
      ],
      3,
      0.11,
      1.6,
    );
  const pacemaker = chance(random, anatomy.patient.age > 60 ? 0.08 : 0.01);
  if (pacemaker) {
    const [x, y] = [0.62 * halfWidth, top + 6];
    disc(maps.size, projection.spot(x, y, front - 1), 1.9, (pixel) => {
      maps.extra[pixel]! += 1.5;
    });
    wire(
      [
        [x, y],
        [3.5, top + 2.5],
        [-1.6, top + 6],
        [-2.4, top + 15],
        [2.5, top + 19],
      ],
      2,
      0.09,
      4,
    );
  }
}

/** A lead letter beside the patient's left (L) or right (R) shoulder. */
function drawMarker({ maps, projection, random, anatomy }: Scene): void {
  const shows = chance(random, 0.75);
  const left = chance(random, 0.5);
  const top = anatomy.cavities[0].apexY - between(random, 1.5, 4.5);
  const x = (left ? 1 : -1) * between(random, 15, 17.5);
  const lean = between(random, -0.25, 0.25);
  if (!shows) return;
  const strokes = left ? LETTER_L : LETTER_R;
  const point = ([u, v]: readonly [number, number]): Spot =>
    projection.spot(x + u - lean * v, top + v + lean * u, 0);
  for (const [a, b] of strokes) {
    sweepTube(maps.size, point(a), point(b), 0.16, 0.16, (pixel, _distance, _r, share) => {
      maps.extra[pixel]! = Math.max(maps.extra[pixel]!, 6 * share);
    });
  }
}

type Stroke = readonly [readonly [number, number], readonly [number, number]];
const LETTER_L: readonly Stroke[] = [
  [
    [0, 0],
    [0, 1.7],
  ],
  [
    [0, 1.6],
    [1, 1.6],
  ],
];
const LETTER_R: readonly Stroke[] = [
  [
    [0, 0],
    [0, 1.7],
  ],
  [
    [0, 0.1],
    [0.9, 0.1],
  ],
  [
    [0.9, 0.1],
    [0.9, 0.8],
  ],
  [
    [0, 0.85],
    [0.9, 0.85],
  ],
  [
    [0.3, 0.85],
    [1, 1.7],
  ],
];

function disc(
  size: number,
  centre: Spot,
  radius: number,
  paint: (pixel: number, squared: number) => void,
): void {
  sweepEllipse(size, centre, radius, radius, 0, paint);
}

function sagging(a: readonly [number, number], b: readonly [number, number], bulge: number) {
  return Array.from({ length: 11 }, (_, i): [number, number] => {
    const t = i / 10;
    return [a[0] + (b[0] - a[0]) * t + 4 * t * (1 - t) * bulge, a[1] + (b[1] - a[1]) * t];
  });
}
