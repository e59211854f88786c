import { OVER_SOFT_TISSUE } from '../attenuation.js';
import { clamp } from '../draws.js';
import type { Projection } from '../projection.js';
import { type Spot, sweepEllipse } from '../tube.js';
import type { ChestAnatomy } from './anatomy.js';
import { addBone, type Shaft } from './bone.js';
import type { Maps } from './maps.js';
import { chestWall } from './thorax.js';

const RIBS = 11;
const RIB_STEPS = 22;

type Point = readonly [x: number, y: number, z: number];

/** Ribs, spine, clavicles, shoulder blades, sternum and upper arms. */
export function fillSkeleton(maps: Maps, anatomy: ChestAnatomy, projection: Projection, ap: boolean): void {
  const draw = new SkeletonDrawing(maps, anatomy, projection);
  for (let rib = 0; rib < RIBS; rib++) {
    draw.rib(rib, 0);
    draw.rib(rib, 1);
  }
  draw.spine();
  for (const side of [-1, 1] as const) {
    draw.clavicle(side);
    draw.shoulder(side, ap);
  }
}

class SkeletonDrawing {
  constructor(
    private readonly maps: Maps,
    private readonly anatomy: ChestAnatomy,
    private readonly projection: Projection,
  ) {}

  /**
   * A rib is a half ellipse in a plane that falls forward: from the spine round the chest wall to its cartilage, which does
   * not show.
   */
  rib(index: number, side: 0 | 1): void {
    const { patient, cavities, depression } = this.anatomy;
    const cavity = cavities[side]!;
    const { ribSpacing, ribPhase, ribTilt, halfDepth, boneDensity } = patient;
    const depth = halfDepth * clamp(0.42 + 0.16 * index, 0.42, 1);
    // Breathing in lifts the ribs' front ends.
    const tilt = ribTilt + 0.012 * clamp(depression, -4, 3) * -1;
    const y0 = cavity.apexY + 0.3 + ribPhase + ribSpacing * index;
    const wall = Math.abs(chestWall(cavity, y0 + tilt * depth)) + 0.25;
    const short = index >= 9 ? 1 - 0.12 * (index - 8) : 1;
    const end = index < 9 ? 2.35 - 0.05 * index : 1.5 - 0.25 * (index - 9);
    const start = Math.asin(clamp(2.3 / wall, 0, 1));
    const points: Point[] = [];
    for (let step = 0; step <= RIB_STEPS; step++) {
      const angle = start + ((end - start) * step) / RIB_STEPS;
      const x = wall * short * Math.sin(angle);
      const z = -depth * Math.cos(angle);
      const hump = -0.5 * Math.sin(Math.min(Math.PI, 2 * angle));
      points.push([cavity.side * x, y0 + tilt * (z + depth) + hump, z]);
    }
    const shaft: Shaft = { cortex: 0.13, density: boneDensity, flatness: 0.72 };
    this.chain(points, (share) => 0.66 - 0.12 * Math.abs(share - 0.5), shaft);
  }

  spine(): void {
    const { cavities, patient } = this.anatomy;
    const pitch = 0.97 * patient.ribSpacing;
    const z = -0.62 * patient.halfDepth;
    const { size, extra } = this.maps;
    for (let vertebra = -4; vertebra < 14; vertebra++) {
      const y = cavities[0].apexY + 0.6 + patient.ribPhase + pitch * vertebra;
      const width = 1.35 + 0.045 * (vertebra + 4);
      const body = this.projection.spot(0, y + 0.5 * pitch, z);
      const gain = OVER_SOFT_TISSUE.trabecularBone * 1.6 * 0.6 * patient.boneDensity;
      sweepEllipse(size, body, width * 1.12, 0.47 * pitch * 1.1, 0, (pixel, squared, u, v) => {
        const box = 1 - Math.max(u ** 8, v ** 8);
        extra[pixel]! += gain * 2.6 * Math.sqrt(Math.max(0, box * (1 - squared ** 4)));
      });
      const spinous = this.projection.spot(0, y + 0.75 * pitch, z - 3);
      sweepEllipse(size, spinous, 0.35, 0.75, 0, (pixel, squared) => {
        extra[pixel]! += OVER_SOFT_TISSUE.corticalBone * 0.55 * Math.sqrt(1 - squared);
      });
      for (const side of [-1, 1]) {
        const pedicle = this.projection.spot(side * 0.72 * width, y + 0.45 * pitch, z - 1);
        sweepEllipse(size, pedicle, 0.32, 0.5, 0, (pixel, squared) => {
          extra[pixel]! += OVER_SOFT_TISSUE.corticalBone * 0.5 * Math.sqrt(1 - squared);
        });
        const tip = this.projection.spot(side * (width + 1.6), y + 0.25 * pitch, z - 2);
        const root = this.projection.spot(side * width, y + 0.45 * pitch, z - 1);
        addBone(extra, size, root, tip, 0.5, 0.4, { cortex: 0.1, density: 1, flatness: 0.6 });
      }
    }
  }

  clavicle(side: -1 | 1): void {
    const { cavities, patient } = this.anatomy;
    const y = cavities[0].apexY + 3.2;
    const reach = patient.halfWidth * 1.22;
    const points: Point[] = [];
    for (let step = 0; step <= 12; step++) {
      const share = step / 12;
      const bend = 1.1 * Math.sin(2 * Math.PI * share) * 0.45;
      points.push([
        side * (1.9 + (reach - 1.9) * share),
        y - bend - (0.8 + 9 * patient.clavicleSlope) * share,
        6.5 - 5.5 * share,
      ]);
    }
    const shaft: Shaft = { cortex: 0.2, density: patient.boneDensity, flatness: 0.9 };
    this.chain(points, (share) => 0.62 + 0.55 * (share - 0.45) ** 2 * 4 * 0.5, shaft);
  }

  /** Shoulder blade, turned out of the lungs for a PA image, and the head and shaft of the humerus. */
  shoulder(side: -1 | 1, ap: boolean): void {
    const { cavities, patient } = this.anatomy;
    const { halfWidth, boneDensity } = patient;
    const top = cavities[0].apexY;
    const inner = halfWidth * (ap ? 0.78 : 1.0);
    const outer = halfWidth * 1.26;
    const plate: Shaft = { cortex: 0.12, density: boneDensity, flatness: 0.45 };
    const thick: Shaft = { cortex: 0.16, density: boneDensity, flatness: 0.75 };
    const z = -6;
    const corner: Point = [side * inner, top + 3.6, z];
    const tip: Point = [side * (inner + 1.4), top + 14.5, z + 1];
    const glenoid: Point = [side * outer, top + 4.4, z + 3];
    this.chain(curve(corner, tip, side * -0.5), () => 0.4, plate);
    this.chain(curve(tip, glenoid, side * -0.8), (share) => 0.45 + 0.3 * share, thick);
    this.chain(curve(corner, glenoid, side * 0.3), () => 0.5, plate);
    this.chain(
      curve([side * inner, top + 5.2, z - 1], [side * (outer + 1.5), top + 1.4, z + 3], side * 0.2),
      (share) => 0.4 + 0.5 * share,
      plate,
    );
    const head: Point = [side * (outer + 2.4), top + 4.6, z + 4];
    const shaftEnd: Point = [side * (outer + (ap ? 4 : 13)), top + (ap ? 34 : 22), z + 4];
    const neck: Point = [head[0] + 0.5 * side, head[1] + 2, head[2]];
    this.chain([[head[0] - 0.6 * side, head[1] - 2.2, head[2]], head], (s) => 1.4 + 1.1 * s, thick);
    this.chain([head, neck], (s) => 2.5 - 0.5 * s, thick);
    this.chain([neck, shaftEnd], (s) => 2 - Math.min(0.7, 2.5 * s), { ...thick, cortex: 0.35 });
  }

  /** Bones between successive points; paths through a bone that runs towards the detector are longer. */
  private chain(points: readonly Point[], radius: (share: number) => number, shaft: Shaft): void {
    const last = points.length - 1;
    let previous: Spot | undefined;
    for (const [i, [x, y, z]] of points.entries()) {
      const spot = this.projection.spot(x, y, z);
      if (previous !== undefined) {
        const [px, py, pz] = points[i - 1]!;
        const flat = Math.hypot(x - px, y - py);
        const oblique = Math.min(2.2, Math.hypot(flat, z - pz) / Math.max(1e-6, flat));
        const [a, b] = [radius((i - 1) / last), radius(i / last)];
        addBone(this.maps.extra, this.maps.size, previous, spot, a, b, shaft, oblique);
      }
      previous = spot;
    }
  }
}

/** Points from a to b, bulging sideways by `bulge` cm. */
function curve(a: Point, b: Point, bulge: number): Point[] {
  return Array.from({ length: 9 }, (_, i) => {
    const t = i / 8;
    const swell = 4 * t * (1 - t) * bulge;
    return [a[0] + (b[0] - a[0]) * t + swell, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
  });
}
