import { RandomStream, STREAM } from '../base/random.js';

/**
 * A schematic frontal chest radiograph, drawn pixel by pixel: body outline, two lung fields, mediastinum, heart, diaphragm,
 * ribs and noise. Coordinates: x from −1 (image left) to 1, y from −1 (top) to 1. Grey levels 0 to 255, air dark.
 */
export interface Anatomy {
  readonly bodyWidth: number;
  readonly lungWidth: number;
  readonly lungHeight: number;
  readonly lungCentre: number;
  /** Half the heart's width without disease. */
  readonly heartWidth: number;
  readonly heartTilt: number;
  readonly diaphragm: number;
  readonly ribSpacing: number;
  readonly ribPhase: number;
  readonly softTissue: number;
}

export interface Findings {
  readonly opacity: boolean;
  readonly effusion: boolean;
  readonly cardiomegaly: boolean;
}

/** What differs between two images of one patient. */
interface Exposure {
  readonly angle: number;
  readonly shiftX: number;
  readonly shiftY: number;
  readonly scale: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly noise: number;
}

interface Blob {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly grey: number;
}

interface Fluid {
  /** −1: in the lung on the image's left, 1: right. */
  readonly side: -1 | 1;
  /** Height of the level above the diaphragm. */
  readonly level: number;
  /** Share of the fluid's grey level, 0 to 1. */
  readonly density: number;
}

interface Scene {
  readonly anatomy: Anatomy;
  readonly exposure: Exposure;
  readonly heartWidth: number;
  readonly blob: Blob | undefined;
  readonly fluid: Fluid | undefined;
  /** Width of one pixel, for soft edges. */
  readonly pixel: number;
}

export function drawAnatomy(random: RandomStream): Anatomy {
  return {
    bodyWidth: between(random, 0.84, 0.98),
    lungWidth: between(random, 0.3, 0.36),
    lungHeight: between(random, 0.62, 0.74),
    lungCentre: between(random, 0.4, 0.46),
    heartWidth: between(random, 0.27, 0.36),
    heartTilt: between(random, 0.2, 0.5),
    diaphragm: between(random, 0.36, 0.5),
    ribSpacing: between(random, 0.17, 0.22),
    ribPhase: between(random, 0, 1),
    softTissue: between(random, 118, 146),
  };
}

/** One image, uint8 [size, size]. Anatomy belongs to the patient, everything else to `seed` and `image`. */
export function drawRadiograph(
  anatomy: Anatomy,
  findings: Findings,
  size: number,
  seed: number,
  image: number,
): Uint8Array {
  const random = new RandomStream(seed, STREAM.phantom, 0x80000000 + image);
  const scene = composeScene(anatomy, findings, 2 / size, random);
  const { exposure } = scene;
  const cos = Math.cos(exposure.angle) / exposure.scale;
  const sin = Math.sin(exposure.angle) / exposure.scale;
  const pixels = new Uint8Array(size * size);
  for (let row = 0; row < size; row++) {
    const v = (2 * row + 1) / size - 1 - exposure.shiftY;
    for (let column = 0; column < size; column++) {
      const u = (2 * column + 1) / size - 1 - exposure.shiftX;
      const grey = greyAt(scene, cos * u + sin * v, cos * v - sin * u);
      const exposed = (grey - 128) * exposure.contrast + 128 + exposure.brightness;
      pixels[row * size + column] = clampByte(exposed + exposure.noise * roughNormal(random.word()));
    }
  }
  return pixels;
}

function composeScene(anatomy: Anatomy, findings: Findings, pixel: number, random: RandomStream): Scene {
  const exposure: Exposure = {
    angle: between(random, -0.07, 0.07),
    shiftX: between(random, -0.06, 0.06),
    shiftY: between(random, -0.06, 0.06),
    scale: between(random, 0.94, 1.06),
    brightness: between(random, -14, 14),
    contrast: between(random, 0.85, 1.15),
    noise: between(random, 6, 12),
  };
  const side = random.integer(2) === 0 ? -1 : 1;
  const blob: Blob = {
    x: side * (anatomy.lungCentre + between(random, -0.12, 0.16)),
    y: between(random, -0.45, 0.2),
    radius: between(random, 0.09, 0.17),
    grey: between(random, 28, 62),
  };
  const fluid: Fluid = {
    side: random.integer(2) === 0 ? -1 : 1,
    level: between(random, 0.02, 0.22),
    density: between(random, 0.3, 0.85),
  };
  const enlargement = between(random, 1.18, 1.45);
  return {
    anatomy,
    exposure,
    heartWidth: anatomy.heartWidth * (findings.cardiomegaly ? enlargement : 1),
    blob: findings.opacity ? blob : undefined,
    fluid: findings.effusion ? fluid : undefined,
    pixel,
  };
}

const AIR = 8;
const LUNG = 52;
const HEART = 186;
const ABDOMEN = 172;

function greyAt(scene: Scene, x: number, y: number): number {
  const { anatomy, pixel } = scene;
  const shoulder = anatomy.bodyWidth * (1 - 0.35 * smoothStep(-0.55, -1.05, y));
  const body = softEdge(shoulder - Math.abs(x), pixel);
  if (body === 0) return AIR;
  const side = x < 0 ? -1 : 1;
  const dome = domeHeight(anatomy, side, x);
  const lung = lungCover(anatomy, side, x, y, pixel) * softEdge(dome - y, pixel);
  let grey = mix(anatomy.softTissue, ABDOMEN, softEdge(y - dome, 3 * pixel));
  grey += 34 * Math.exp(-((x / 0.11) ** 2)) * (1 - 0.4 * softEdge(y - dome, pixel));
  grey = mix(grey, lungGrey(scene, side, x, y, dome), lung);
  grey = mix(grey, HEART, 0.9 * heartCover(scene, x, y));
  return mix(AIR, grey, body);
}

/** y of the diaphragm: highest in the middle of a lung, a little higher on the image's left (the patient's right). */
function domeHeight(anatomy: Anatomy, side: -1 | 1, x: number): number {
  const distance = (x - side * anatomy.lungCentre) / anatomy.lungWidth;
  return anatomy.diaphragm + (side < 0 ? -0.05 : 0.02) + 0.13 * distance * distance;
}

function lungCover(anatomy: Anatomy, side: -1 | 1, x: number, y: number, pixel: number): number {
  const top = (y + 0.12) / anatomy.lungHeight;
  const narrowing = 1 - 0.28 * smoothStep(0, -0.8, y);
  const across =
    (x - side * (anatomy.lungCentre - 0.06 * smoothStep(0, -0.8, y))) / (anatomy.lungWidth * narrowing);
  const height = y > -0.12 ? 0.5 * top : top;
  return softEdge((1 - Math.hypot(across, height)) * anatomy.lungWidth, 1.5 * pixel);
}

function lungGrey(scene: Scene, side: -1 | 1, x: number, y: number, dome: number): number {
  const { anatomy, blob, fluid, pixel } = scene;
  const outward = Math.abs(x) - anatomy.lungCentre;
  let grey = LUNG + 22 * Math.exp(-((outward + anatomy.lungWidth) ** 2) / 0.03);
  const rib = (y + 0.35 * outward * outward - 0.28 * outward) / anatomy.ribSpacing + anatomy.ribPhase;
  grey += 20 * Math.max(0, Math.cos(2 * Math.PI * rib)) ** 3;
  if (blob !== undefined) {
    grey += blob.grey * Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.radius ** 2));
  }
  if (fluid?.side !== side) return grey;
  const meniscus = dome - fluid.level - 0.5 * Math.max(0, outward) - 0.02;
  return mix(grey, 158, fluid.density * softEdge(y - meniscus, 4 * pixel));
}

function heartCover({ anatomy, heartWidth, pixel }: Scene, x: number, y: number): number {
  const dx = x - 0.1;
  const dy = y - (anatomy.diaphragm - 0.16);
  const cos = Math.cos(anatomy.heartTilt);
  const sin = Math.sin(anatomy.heartTilt);
  const along = (cos * dx + sin * dy) / heartWidth;
  const across = (cos * dy - sin * dx) / 0.26;
  const heart = softEdge((1 - Math.hypot(along, across)) * 0.26, 1.5 * pixel);
  const vessels = softEdge(0.13 - Math.abs(x - 0.02), 1.5 * pixel) * softEdge(anatomy.diaphragm - y, pixel);
  return Math.max(heart, 0.8 * vessels);
}

/** 0 outside, 1 inside, linear over ± `width` around distance 0. */
function softEdge(distance: number, width: number): number {
  return Math.min(1, Math.max(0, 0.5 + distance / (2 * width)));
}

function smoothStep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Sum of the word's four bytes, shifted and scaled to mean 0 and variance 1 (Irwin-Hall): near enough to normal for noise. */
function roughNormal(word: number): number {
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  return (sum - 510) / Math.sqrt((4 * (256 * 256 - 1)) / 12);
}

function clampByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
