import type { RandomStream } from '../../../../base/random.js';
import { LIMB_ATTENUATION, TRABECULAR_SHARE } from '../attenuation.js';
import { bell, between, chance, clamp, imageStream, patientStream, ValueNoise } from '../draws.js';
import { expose } from '../exposure.js';
import { detectorSize, shrink } from '../resolution.js';
import { blended, boundsOf, distanceTo, type Part, partDistance } from './shape.js';
import { type Bone, drawSkeleton, type Joint, type LimbPart, type Skeleton } from './skeletons.js';

const PURPOSE = {
  skeleton: 0,
  visit: 1,
  exposure: 2,
  noise: 3,
  texture: 4,
  fracture: 5,
  arthritis: 6,
} as const;

/** A break: the far fragment is shifted and turned, and a dark line runs between. Lengths in cm. */
export interface Fracture {
  readonly bone: number;
  readonly x: number;
  readonly y: number;
  /** Direction from the near to the far fragment. */
  readonly direction: number;
  readonly stepOff: number;
  readonly angulation: number;
  readonly lineWidth: number;
  readonly waviness: number;
}

/** Loss of cartilage in one joint: narrow gap, bony spurs at its margins, dense bone beside it. */
export interface Arthritis {
  readonly joint: number;
  /** 0 to 4, as Kellgren and Lawrence grade it, between the grades too; below 1.5 it is not called osteoarthritis. */
  readonly grade: number;
}

export interface LimbImage {
  readonly seed: number;
  readonly owner: number;
  readonly row: number;
  readonly skeleton: Skeleton;
  readonly fracture: Fracture | undefined;
  readonly arthritis: readonly Arthritis[];
  readonly view: {
    readonly turn: number;
    readonly x: number;
    readonly y: number;
    readonly zoom: number;
    readonly mirrored: boolean;
  };
}

/** Composes image `row` of patient `owner`. Joints wear in everybody, but beyond doubt only with `osteoarthritis`. Pure. */
export function composeLimb(
  seed: number,
  owner: number,
  row: number,
  part: LimbPart,
  { fractured, osteoarthritis }: { readonly fractured: boolean; readonly osteoarthritis: boolean },
): LimbImage {
  const own = patientStream(seed, owner, PURPOSE.skeleton);
  const skeleton = drawSkeleton(part, own);
  const mirrored = chance(own, 0.5);
  const visit = imageStream(seed, row, PURPOSE.visit);
  return {
    ...{ seed, owner, row, skeleton },
    fracture: fractured ? drawFracture(skeleton, imageStream(seed, row, PURPOSE.fracture)) : undefined,
    arthritis: drawArthritis(skeleton, osteoarthritis, patientStream(seed, owner, PURPOSE.arthritis)),
    view: {
      turn: bell(visit, 0, 0.08),
      x: bell(visit, 0, 0.03 * skeleton.field),
      y: bell(visit, 0, 0.03 * skeleton.field),
      zoom: bell(visit, 1, 0.05),
      mirrored,
    },
  };
}

function drawFracture({ bones, breakable }: Skeleton, random: RandomStream): Fracture {
  const bone = breakable[chance(random, 0.5) ? 0 : random.integer(breakable.length)]!;
  const [ax, ay, bx, by] = bones[bone]!.axis;
  const along = between(random, 0.3, 0.8);
  const severity = random.uniform() ** 1.4;
  const length = Math.hypot(bx - ax, by - ay);
  const width = Math.min(1, length / 5);
  return {
    bone,
    x: ax + along * (bx - ax),
    y: ay + along * (by - ay),
    direction: Math.atan2(by - ay, bx - ax) + between(random, -0.6, 0.6),
    stepOff: (chance(random, 0.5) ? 1 : -1) * 0.3 * severity * width,
    angulation: (chance(random, 0.5) ? 1 : -1) * 0.22 * severity,
    lineWidth: (0.06 + 0.1 * severity) * Math.max(0.5, width),
    waviness: between(random, 0.05, 0.25) * width,
  };
}

function drawArthritis({ joints }: Skeleton, present: boolean, random: RandomStream): Arthritis[] {
  const worst = random.integer(joints.length);
  const grade = present ? 1.5 + 2.5 * random.uniform() ** 1.2 : 0.5 + 0.7 * random.uniform();
  return joints.map((_, joint) => ({
    joint,
    grade: joint === worst ? grade : between(random, 0.1, 0.6) * grade,
  }));
}

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
    const broken =
      fracture === undefined ? { x, y, share: 1 } : acrossBreak(fracture, x, y, noise, grid.pitch);
    const inside = -distanceTo(parts, blend, broken.x, broken.y);
    if (inside <= 0) return;
    const whole = chord(inside, depth);
    const core = inside > shell ? chord(inside - shell, Math.max(0.05, depth - shell)) : 0;
    const along = broken.x * alongX + broken.y * alongY;
    const across = broken.y * alongX - broken.x * alongY;
    // Trabeculae run along the bone; the marrow cavity of the shaft has few.
    const fine = noise.at(across / 0.1 + 31, along / 0.5) - 0.5;
    const coarse = noise.at(across / 0.5, along / 1.3 + 11) - 0.5;
    const trabeculae = TRABECULAR_SHARE * (1.2 + 0.8 * fine + 0.35 * coarse);
    const dense = (whole - core) * thinner * 0.8 + core * (trabeculae + sclerosis(x, y));
    line[pixel]! += mineral * dense * broken.share;
  });
}

/** A point of the broken bone as it lay before the break, and the share of bone left there. */
interface Broken {
  readonly x: number;
  readonly y: number;
  readonly share: number;
}

function acrossBreak(fracture: Fracture, x: number, y: number, noise: ValueNoise, pitch: number): Broken {
  const { direction, stepOff, angulation, lineWidth, waviness } = fracture;
  const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
  const [dx, dy] = [x - fracture.x, y - fracture.y];
  const along = dx * ny - dy * nx;
  const beyond = dx * nx + dy * ny + waviness * (noise.at(along / 0.35 + 5, 3) - 0.5) * 2;
  // A line narrower than a pixel darkens it the less.
  const drawn = Math.max(lineWidth, 0.6 * pitch);
  const share = 1 - ((0.85 * lineWidth) / drawn) * Math.exp(-((beyond / drawn) ** 2));
  if (beyond <= 0) return { x, y, share };
  const cos = Math.cos(angulation);
  const sin = Math.sin(angulation);
  return {
    x: fracture.x + cos * dx + sin * dy + stepOff * ny,
    y: fracture.y + cos * dy - sin * dx - stepOff * nx,
    share,
  };
}

/** The bone moved into the worn joint's gap, with spurs at the joint's margins. */
function wornBone(bone: Bone, index: number, { skeleton, arthritis }: LimbImage): Bone {
  const spurs: Part[] = [];
  let [moveX, moveY, weight] = [0, 0, 0];
  for (const { joint: number, grade } of arthritis) {
    const joint = skeleton.joints[number]!;
    const moves = joint.bone === index;
    if (moves) {
      const closed = joint.gap * clamp(0.24 * (grade - 0.5), 0, 0.9);
      moveX -= closed * Math.cos(joint.direction);
      moveY -= closed * Math.sin(joint.direction);
      weight++;
    }
    if (moves || touches(bone, joint)) spurs.push(...spursOf(bone, joint, grade, moves ? 1 : -1));
  }
  const parts =
    weight === 0 ? bone.parts : bone.parts.map((part) => moved(part, moveX / weight, moveY / weight));
  return { ...bone, parts: [...parts, ...spurs], blend: Math.max(bone.blend, spurs.length > 0 ? 0.15 : 0) };
}

/** Whether a bone ends at a joint. */
function touches({ parts, blend }: Bone, { x, y, gap }: Joint): boolean {
  return Math.abs(distanceTo(parts, blend, x, y)) < 1.5 * gap;
}

/** Spurs at both ends of the joint, where the bone reaches that far. */
function spursOf(bone: Bone, joint: Joint, grade: number, towards: 1 | -1): Part[] {
  const size = 0.16 * joint.halfWidth ** 0.6 * clamp(grade - 0.9, 0, 3);
  if (size < 0.02) return [];
  const { x, y, halfWidth, rim, direction } = joint;
  const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
  const off = towards * (rim - 0.1 * size);
  const spurs = [-1, 1].map((end) => ({
    kind: 'ellipse' as const,
    x: x + nx * off - end * ny * halfWidth,
    y: y + ny * off + end * nx * halfWidth,
    a: 1.5 * size,
    b: 0.6 * size,
    angle: direction + Math.PI / 2,
  }));
  return spurs.filter(({ x, y }) => distanceTo(bone.parts, bone.blend, x, y) < 0.8 * size);
}

function moved(part: Part, dx: number, dy: number): Part {
  return part.kind === 'ellipse'
    ? { ...part, x: part.x + dx, y: part.y + dy }
    : { ...part, ax: part.ax + dx, ay: part.ay + dy, bx: part.bx + dx, by: part.by + dy };
}

/** Extra mineral beside worn joints. */
function sclerosisOf({ skeleton, arthritis }: LimbImage, bone: number): (x: number, y: number) => number {
  const worn = arthritis.flatMap(({ joint, grade }) => {
    const at = skeleton.joints[joint]!;
    const near = at.bone === bone || touches(skeleton.bones[bone]!, at);
    return near && grade > 0.8 ? [{ ...at, amount: 0.05 * (grade - 0.8) }] : [];
  });
  return (x, y) => {
    let sum = 0;
    for (const { direction, halfWidth, amount, ...joint } of worn) {
      const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
      const [dx, dy] = [x - joint.x, y - joint.y];
      const away = (dx * nx + dy * ny) / (0.25 + 0.25 * halfWidth);
      const across = (dx * ny - dy * nx) / halfWidth;
      if (away * away < 7 && across * across < 3) sum += amount * Math.exp(-away * away - across ** 4);
    }
    return sum;
  };
}

/** Pixels and the body coordinates (cm) of their centres. */
class Grid {
  readonly pitch: number;

  constructor(
    private readonly image: LimbImage,
    private readonly size: number,
  ) {
    this.pitch = image.skeleton.field / image.view.zoom / size;
  }

  /** Visits the pixels within `margin` cm of the box around the parts. */
  visit(parts: readonly Part[], margin: number, paint: (pixel: number, x: number, y: number) => void): void {
    const { size, pitch } = this;
    const { turn, x: shiftX, y: shiftY, mirrored } = this.image.view;
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const flip = mirrored ? -1 : 1;
    const box = boundsOf(parts, margin);
    // The box's corners on the detector bound the pixels to look at.
    let [left, right, top, bottom] = [size, -1, size, -1];
    for (const x of [box.left, box.right]) {
      for (const y of [box.top, box.bottom]) {
        const u = (flip * (cos * x - sin * y) + shiftX) / pitch + size / 2;
        const v = (sin * x + cos * y + shiftY) / pitch + size / 2;
        left = Math.min(left, u);
        right = Math.max(right, u);
        top = Math.min(top, v);
        bottom = Math.max(bottom, v);
      }
    }
    const [firstRow, lastRow] = [Math.max(0, Math.floor(top)), Math.min(size - 1, Math.ceil(bottom))];
    const [firstColumn, lastColumn] = [Math.max(0, Math.floor(left)), Math.min(size - 1, Math.ceil(right))];
    for (let row = firstRow; row <= lastRow; row++) {
      const v = (row + 0.5 - size / 2) * pitch - shiftY;
      for (let column = firstColumn; column <= lastColumn; column++) {
        const u = flip * ((column + 0.5 - size / 2) * pitch - shiftX);
        const x = cos * u + sin * v;
        const y = cos * v - sin * u;
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) {
          paint(row * size + column, x, y);
        }
      }
    }
  }
}
