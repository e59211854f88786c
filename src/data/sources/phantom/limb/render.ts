import { LIMB_ATTENUATION, TRABECULAR_SHARE } from '../attenuation.js';
import { bell, between, imageStream, patientStream, ValueNoise } from '../draws.js';
import { expose } from '../exposure.js';
import { detectorSize, shrink } from '../resolution.js';
import { sclerosisOf, wornBone } from './arthritis.js';
import { type Fracture, type LimbImage, PURPOSE } from './compose.js';
import { acrossBreak } from './fracture.js';
import { Grid } from './grid.js';
import { blended, distanceTo, type Part, partDistance } from './shape.js';
import type { Bone } from './skeletons.js';

/** The radiograph, uint8 [size, size]. Depends on its arguments alone. */
export function renderLimb(image: LimbImage, size: number): Uint8Array {
  const { seed, row } = image;
  const detector = detectorSize(size);
  const random = imageStream(seed, row, PURPOSE.exposure);
  const exposure = {
    scatter: between(random, 0.1, 0.25),
    quanta: (image.skeleton.field / detector) ** 2 * 10 ** bell(random, 5.7, 0.2),
    blur: between(random, 0.03, 0.1),
    equalisation: between(random, 0.05, 0.2),
    centre: bell(random, 0.25, 0.12),
    width: between(random, 0.34, 0.5),
  };
  const line = limbLineIntegrals(image, detector);
  return shrink(expose(line, detector, exposure, imageStream(seed, row, PURPOSE.noise)), detector, size);
}

/** Attenuation along the rays to each pixel, [size, size]. */
export function limbLineIntegrals(image: LimbImage, size: number): Float32Array {
  const { skeleton, seed, owner } = image;
  const line = new Float32Array(size * size);
  const grid = new Grid(image, size);
  const outside = fleshDistance(skeleton.flesh, grid, size);
  for (let pixel = 0; pixel < line.length; pixel++) {
    if (outside[pixel]! < 0)
      line[pixel] = LIMB_ATTENUATION.muscle * chord(-outside[pixel]!, skeleton.fleshDepth);
  }
  const noise = new ValueNoise(patientStream(seed, owner, PURPOSE.texture), 64);
  for (const [index, bone] of skeleton.bones.entries()) {
    const worn = wornBone(bone, index, image);
    const fracture = image.fracture?.bone === index ? image.fracture : undefined;
    addBone(line, grid, worn, fracture, noise, sclerosisOf(image, index));
  }
  return line;
}

const FLESH_BLEND = 0.8;

/** Signed distance from the skin, cm; each part is looked at near itself alone. */
function fleshDistance(flesh: readonly Part[], grid: Grid, size: number): Float32Array {
  const distance = new Float32Array(size * size).fill(1e3);
  for (const part of flesh) {
    grid.visit([part], FLESH_BLEND, (pixel, x, y) => {
      const other = partDistance(part, x, y);
      distance[pixel] = blended(distance[pixel]!, other, FLESH_BLEND);
    });
  }
  return distance;
}

/** Length of a ray through a rounded body, `inside` cm from its outline, of half thickness `depth`. */
function chord(inside: number, depth: number): number {
  return inside >= depth ? 2 * depth : 2 * Math.sqrt(inside * (2 * depth - inside));
}

function addBone(
  line: Float32Array,
  grid: Grid,
  { parts, blend, depth, cortex, axis }: Bone,
  fracture: Fracture | undefined,
  noise: ValueNoise,
  sclerosis: (x: number, y: number) => number,
): void {
  const [ax, ay, bx, by] = axis;
  const length = Math.hypot(bx - ax, by - ay);
  const [alongX, alongY] = [(bx - ax) / length, (by - ay) / length];
  const mineral = LIMB_ATTENUATION.corticalBone - LIMB_ATTENUATION.muscle;
  const shell = Math.max(cortex, 0.6 * grid.pitch);
  const thinner = cortex / shell;
  grid.visit(parts, fracture === undefined ? 0 : 0.6, (pixel, x, y) => {
    const broken = fracture === undefined ? undefined : acrossBreak(fracture, x, y, noise, grid.pitch);
    const wasX = broken?.x ?? x;
    const wasY = broken?.y ?? y;
    const inside = -distanceTo(parts, blend, wasX, wasY);
    if (inside <= 0) return;
    const whole = chord(inside, depth);
    const core = inside > shell ? chord(inside - shell, Math.max(0.05, depth - shell)) : 0;
    const along = wasX * alongX + wasY * alongY;
    const across = wasY * alongX - wasX * alongY;
    // Trabeculae run along the bone.
    const fine = noise.at(across / 0.1 + 31, along / 0.5) - 0.5;
    const coarse = noise.at(across / 0.5, along / 1.3 + 11) - 0.5;
    const trabeculae = TRABECULAR_SHARE * (1.2 + 0.8 * fine + 0.35 * coarse);
    const dense = (whole - core) * thinner * 0.8 + core * (trabeculae + sclerosis(x, y));
    line[pixel]! += mineral * dense * (broken?.share ?? 1);
  });
}
