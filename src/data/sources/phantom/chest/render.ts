import type { RandomStream } from '../../../../base/random.js';
import { bell, between, chance, imageStream, patientStream, ValueNoise } from '../draws.js';
import { type Exposure, expose } from '../exposure.js';
import { Projection } from '../projection.js';
import { detectorSize, shrink } from '../resolution.js';
import { apShare, type ChestAnatomy, composeAnatomy, drawVisit, type Visit } from './anatomy.js';
import { FINDINGS, type Finding } from './findings.js';
import { emptyMaps, lineIntegrals } from './maps.js';
import { fillMediastinum } from './mediastinum.js';
import { drawConsolidation, drawEdema, drawHazes, drawSpheres } from './opacities.js';
import { drawAtelectasis, drawBullae, drawFibrosis, drawHernia } from './parenchyma.js';
import { type ChestPatient, drawPatient } from './patient.js';
import { drawEffusion, drawPneumothorax, drawThickening } from './pleura.js';
import type { Scene } from './scene.js';
import { drawSigns, type Signs } from './signs.js';
import { fillSkeleton } from './skeleton.js';
import { drawSurroundings } from './surroundings.js';
import { fillThorax } from './thorax.js';
import { fillParenchyma, fillVessels } from './vessels.js';

/** What streams of random numbers are for; those of the findings begin at 16 (signs) and 32 (drawing). */
const PURPOSE = {
  ...{
    patient: 0,
    visit: 1,
    vessels: 2,
    texture: 3,
    surroundings: 4,
    exposure: 5,
    noise: 6,
    noiseOfSigns: 7,
  },
} as const;

/** Each finding draws its own random numbers, so that none changes how another looks. */
function drawingPurpose(finding: Finding): number {
  return 32 + FINDINGS.indexOf(finding);
}

/** Everything about one image but its pixels. */
export interface ChestImage {
  readonly seed: number;
  /** Number of the patient, and of the image in the data set. */
  readonly owner: number;
  readonly row: number;
  readonly patient: ChestPatient;
  readonly visit: Visit;
  readonly signs: Signs;
  readonly anatomy: ChestAnatomy;
}

/** Composes image `row` of patient `owner` with these findings (in the order of `FINDINGS`). Pure. */
export function composeChest(
  seed: number,
  owner: number,
  row: number,
  findings: readonly boolean[],
): ChestImage {
  const patient = drawPatient(patientStream(seed, owner, PURPOSE.patient));
  const signs = drawSigns(seed, owner, row, findings);
  const visit = drawVisit(imageStream(seed, row, PURPOSE.visit), apShare(signs));
  return { seed, owner, row, patient, visit, signs, anatomy: composeAnatomy(patient, visit, signs) };
}

/** The radiograph, uint8 [size, size]. Depends on its arguments alone; images may be drawn in any order, on any thread. */
export function renderChest(image: ChestImage, size: number): Uint8Array {
  const { seed, row, visit } = image;
  const detector = detectorSize(size);
  const line = chestLineIntegrals(image, detector);
  const exposure = drawExposure(imageStream(seed, row, PURPOSE.exposure), visit, image.patient, detector);
  const grey = expose(line, detector, exposure, imageStream(seed, row, PURPOSE.noise));
  return shrink(grey, detector, size);
}

/** Attenuation along the rays to each pixel, [size, size]. */
export function chestLineIntegrals(image: ChestImage, size: number): Float32Array {
  const { seed, owner, row, anatomy, visit, signs } = image;
  const maps = emptyMaps(size);
  const projection = new Projection(visit.positioning, size);
  const noise = new ValueNoise(imageStream(seed, row, PURPOSE.noiseOfSigns), 64);
  const sceneFor = (purpose: number): Scene => ({
    ...{ maps, anatomy, visit, projection, noise },
    random: imageStream(seed, row, purpose),
  });
  fillThorax(maps, anatomy, projection);
  if (signs.Pneumothorax !== undefined) {
    drawPneumothorax(sceneFor(drawingPurpose('Pneumothorax')), signs.Pneumothorax);
  }
  fillMediastinum(maps, anatomy, projection);
  const pruning = signs.Emphysema?.severity ?? 0;
  const upper = 1 + (signs.Edema === undefined ? 0 : 1.2 * signs.Edema.share);
  fillVessels(maps, anatomy, projection, patientStream(seed, owner, PURPOSE.vessels), { upper, pruning });
  fillParenchyma(maps, patientStream(seed, owner, PURPOSE.texture), 0.11 * (1 - 0.3 * pruning));
  for (const [finding, draw] of DRAWINGS) {
    if (signs[finding] !== undefined) draw(sceneFor(drawingPurpose(finding)), signs);
  }
  fillSkeleton(maps, anatomy, projection, visit.view === 'AP');
  drawSurroundings(sceneFor(PURPOSE.surroundings));
  return lineIntegrals(maps, aerationOf(image));
}

/** Density of the lungs against that of a normal deep breath. */
function aerationOf({ visit, signs }: ChestImage): number {
  return (1 + 0.28 * (0.85 - visit.inspiration)) * (1 - 0.27 * (signs.Emphysema?.severity ?? 0));
}

/** How findings are drawn, in this order: fluid comes last and covers what lies in it. */
const DRAWINGS: readonly (readonly [Finding, (scene: Scene, signs: Signs) => void])[] = [
  ['Emphysema', (scene, { Emphysema }) => drawBullae(scene, Emphysema!)],
  ['Fibrosis', (scene, { Fibrosis }) => drawFibrosis(scene, Fibrosis!)],
  ['Edema', (scene, { Edema }) => drawEdema(scene, Edema!)],
  ['Infiltration', (scene, { Infiltration }) => drawHazes(scene, Infiltration!.hazes)],
  ['Pneumonia', (scene, { Pneumonia }) => drawHazes(scene, Pneumonia!.hazes)],
  ['Consolidation', (scene, { Consolidation }) => drawConsolidation(scene, Consolidation!)],
  ['Atelectasis', (scene, { Atelectasis }) => drawAtelectasis(scene, Atelectasis!)],
  ['Mass', (scene, { Mass }) => drawSpheres(scene, Mass!.spheres)],
  ['Nodule', (scene, { Nodule }) => drawSpheres(scene, Nodule!.spheres)],
  ['Hernia', (scene, { Hernia }) => drawHernia(scene, Hernia!)],
  ['Pleural_Thickening', (scene, { Pleural_Thickening }) => drawThickening(scene, Pleural_Thickening!)],
  ['Effusion', (scene, { Effusion }) => drawEffusion(scene, Effusion!)],
];

function drawExposure(
  random: RandomStream,
  visit: Visit,
  { halfDepth, fat }: ChestPatient,
  size: number,
): Exposure {
  const { view, positioning } = visit;
  const pixelArea = (positioning.field / size) ** 2;
  const ap = view === 'AP';
  const girth = (halfDepth - 9.6) / 4 + (fat - 1.6) / 6;
  const grid = chance(random, ap ? 0.4 : 0.95);
  return {
    scatter: Math.max(0.25, (grid ? 0.55 : 1.1) * (1 + 0.5 * girth) * between(random, 0.85, 1.15)),
    quanta: pixelArea * 10 ** bell(random, 5.2, 0.25),
    blur: between(random, 0.04, 0.12),
    equalisation: between(random, 0.3, 0.62),
    centre: bell(random, 0.05, 0.1),
    width: between(random, 0.36, 0.52),
  };
}
