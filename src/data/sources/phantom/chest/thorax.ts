import { clamp, smoothStep } from '../draws.js';
import type { Projection } from '../projection.js';
import type { Cavity, ChestAnatomy } from './anatomy.js';
import type { Maps } from './maps.js';

/** Outline tables are sampled this finely over y from `TOP` cm on. */
const STEPS_PER_CM = 20;
const TOP = -30;
const ROWS = 1400;

interface CavityTable {
  readonly cavity: Cavity;
  readonly medial: Float32Array;
  readonly lateral: Float32Array;
  readonly depth: Float32Array;
}

/** x of a cavity's chest wall at height y. */
export function chestWall({ apexX, apexY, lateral, angleY }: Cavity, y: number): number {
  const down = clamp((y - apexY) / (angleY - apexY), 0, 1);
  const grown = down >= 0.72 ? 1 : (1 - (1 - down / 0.72) ** 2.3) ** 0.5;
  const flank = 1 - 0.03 * smoothStep(0.8, 1, down);
  return apexX + (lateral - apexX) * grown * flank;
}

/** x of a cavity's boundary towards the mediastinum. */
export function mediastinalBorder({ apexX, apexY, medial, side }: Cavity, y: number): number {
  const down = y - apexY;
  const closing = down >= 3.5 ? 1 : Math.sqrt(1 - (1 - clamp(down, 0, 3.5) / 3.5) ** 2);
  // The mediastinum is wider at the top (vessels of the neck) than in the middle.
  const upper = side * 0.9 * smoothStep(9, 3, down);
  return apexX + (medial + upper - apexX) * closing;
}

/** cm below the apex of the dome that the diaphragm lies `across` (0 to 1) the cavity. */
export function domeDrop({ angleY, domeY }: Cavity, across: number): number {
  const lateral = clamp((across - 0.42) / 0.58, 0, 1);
  const medial = clamp((0.42 - across) / 0.42, 0, 1);
  return (angleY - domeY) * lateral * lateral * (0.65 + 0.35 * lateral) + 1.1 * medial * medial;
}

function tabulate(cavity: Cavity): CavityTable {
  const table = {
    cavity,
    medial: new Float32Array(ROWS),
    lateral: new Float32Array(ROWS),
    depth: new Float32Array(ROWS),
  };
  const { apexY, angleY } = cavity;
  for (let row = 0; row < ROWS; row++) {
    const y = TOP + row / STEPS_PER_CM;
    if (y <= apexY || y >= angleY + 6) continue;
    table.medial[row] = mediastinalBorder(cavity, y);
    table.lateral[row] = chestWall(cavity, y);
    const rise = clamp((y - apexY) / (0.55 * (angleY - apexY)), 0, 1);
    table.depth[row] = cavity.depth * Math.sqrt(1 - (1 - rise) ** 2);
  }
  return table;
}

/** Fills body, fat and lung cavities. */
export function fillThorax(maps: Maps, anatomy: ChestAnatomy, projection: Projection): void {
  const body = new Body(anatomy);
  const tables = anatomy.cavities.map(tabulate) as [CavityTable, CavityTable];
  const { size, soft, fat, lung } = maps;
  const { x0, y0, dx, dy } = projection.grid;
  for (let row = 0, pixel = 0; row < size; row++) {
    for (let column = 0; column < size; column++, pixel++) {
      const x = x0 + column * dx - row * dy;
      const y = y0 + column * dy + row * dx;
      const level = Math.floor((y - TOP) * STEPS_PER_CM);
      if (level < 0 || level >= ROWS) continue;
      const whole = body.thickness(level, Math.abs(x), y);
      if (whole === 0) continue;
      const fatty = Math.min(0.6 * whole, body.fatThickness(level, Math.abs(x), whole));
      const inner = whole - fatty;
      const air = lungThickness(maps, tables[x < anatomy.shift ? 0 : 1], level, x, y, pixel);
      const lungs = Math.min(air, 0.94 * inner);
      fat[pixel] = fatty;
      soft[pixel] = inner - lungs;
      lung[pixel] = lungs;
    }
  }
}

/** Outside of trunk, neck, shoulders and upper arms. */
class Body {
  /** Half width and half depth of the trunk, half width of the neck, by height. */
  private readonly width = new Float32Array(ROWS);
  private readonly depth = new Float32Array(ROWS);
  private readonly neck = new Float32Array(ROWS);
  private readonly fat: number;
  private readonly apexY: number;
  private readonly slope: number;
  private readonly joint: number;
  private readonly arm: readonly [number, number];

  constructor({ patient, cavities: [right], arm }: ChestAnatomy) {
    const { halfWidth, halfDepth, fat, sex, shoulderSlope } = patient;
    this.fat = fat;
    this.apexY = right.apexY;
    this.slope = 0.34 * shoulderSlope;
    this.joint = 1.2 * halfWidth;
    this.arm = arm;
    const top = right.apexY - 2;
    for (let row = 0; row < ROWS; row++) {
      const y = TOP + row / STEPS_PER_CM;
      const waist = smoothStep(right.domeY - 2, right.domeY + 14, y);
      const muscle = 1.5 + 1.1 * smoothStep(right.domeY, right.apexY + 5, y);
      this.width[row] = (halfWidth + muscle) * (1 - 0.1 * waist) + fat * (1 + 0.5 * waist);
      this.depth[row] = (halfDepth + 1.7) * Math.sqrt(0.42 + 0.58 * smoothStep(top, top + 11, y)) + 0.5 * fat;
      this.neck[row] = (sex === 'M' ? 6.6 : 5.7) + 0.3 * fat + 2.4 * smoothStep(top - 6, top - 10, y);
    }
  }

  /** cm that a ray passes `far` from the middle, at height y. */
  thickness(level: number, far: number, y: number): number {
    const { fat, apexY } = this;
    const shoulderTop = apexY - 2.6 + this.slope * Math.max(0, far - 6);
    const square = (far / this.width[level]!) ** 2;
    let whole = 0;
    if (square < 1 && y > shoulderTop - 0.5) {
      const trunk = y > shoulderTop + 3 ? 1 : smoothStep(shoulderTop - 0.5, shoulderTop + 3, y);
      whole = 2 * this.depth[level]! * Math.sqrt((1 - square * square) * trunk);
    }
    if (y < apexY + 6 && far < this.neck[level]!) {
      const across = far / this.neck[level]!;
      whole = Math.max(whole, (13.6 + 0.6 * fat) * Math.sqrt(1 - across * across));
    }
    if (far > 4 && y > shoulderTop && y < apexY + 13.5) {
      const edge = Math.min(1, (y - shoulderTop) / 6);
      const outline = edge * (2 - edge) * smoothStep(apexY + 13.5, apexY + 6.5, y);
      const span = smoothStep(4, 9, far) * smoothStep(this.joint + 7, this.joint + 2, far);
      whole = Math.max(whole, (13.5 + 0.8 * fat) * Math.sqrt(outline) * span);
    }
    return far > this.joint - 6 ? Math.max(whole, this.armThickness(far, y)) : whole;
  }

  private armThickness(far: number, y: number): number {
    const [armX, armY] = this.arm;
    const x = far - this.joint - 0.5;
    const down = y - this.apexY - 5.5;
    const along = clamp((x * armX + down * armY) / (armX * armX + armY * armY), 0, 1);
    const distance = (x - along * armX) ** 2 + (down - along * armY) ** 2;
    const radius = 5.2 + 0.5 * this.fat;
    return distance < radius * radius ? 2 * Math.sqrt(radius * radius - distance) : 0;
  }

  /** cm of fat under the skin that a ray through `whole` cm of the body passes: more where it grazes the flank. */
  fatThickness(level: number, far: number, whole: number): number {
    const { fat } = this;
    const square = (far / (this.width[level]! - fat)) ** 2;
    if (square >= 1) return 2 * fat;
    const inner = 2 * (this.depth[level]! - 0.5 * fat) * Math.sqrt(1 - square * square);
    return Math.max(fat, whole - inner);
  }
}

/** Thickness of a cavity, and its place in `across` and `below`. */
function lungThickness(
  maps: Maps,
  { cavity, medial, lateral, depth }: CavityTable,
  level: number,
  x: number,
  y: number,
  pixel: number,
): number {
  if (depth[level] === 0) return 0;
  const inner = medial[level]!;
  const across = (x - inner) / (lateral[level]! - inner);
  if (across <= 0 || across >= 1) return 0;
  const below = y - cavity.domeY - domeDrop(cavity, across);
  const recess = 0.4 + 4.6 * (1 - across * across);
  if (below >= recess) return 0;
  maps.across[pixel] = cavity.side * across;
  maps.below[pixel] = below;
  const towardsWall = across * across;
  const fromMediastinum = 1 - across;
  const square = fromMediastinum * fromMediastinum;
  const profile = Math.sqrt(1 - towardsWall * across) * (1 - 0.55 * square * square);
  // Behind the dome the lung reaches down into the posterior recess, in front of it hardly at all.
  const share = below <= 0 ? 1 : 0.5 * (1 - Math.sqrt(below / recess));
  return depth[level]! * profile * share;
}
