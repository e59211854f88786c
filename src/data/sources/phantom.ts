import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { withClaim } from '../../base/claim.js';
import { ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import { canonicalJson, contentId } from '../../base/hash.js';
import { RandomStream, STREAM } from '../../base/random.js';
import type { Dataset, DatasetEntry } from '../dataset.js';
import { type Anatomy, drawAnatomy, drawRadiograph, type Findings } from '../phantom-radiograph.js';

/**
 * A small procedural data set: schematic chest radiographs with three findings. It is there to try the program out without
 * data at hand; it is not data for research, and results on it say nothing about patients.
 */
export interface PhantomSource {
  readonly kind: 'phantom';
  /** Folder that the images are written below; made when it does not exist. */
  readonly root: string;
  readonly images: number;
  /** At most as many as images; every patient has at least one. */
  readonly patients: number;
  /** Height and width in pixels. */
  readonly size: number;
  readonly seed: number;
  /** Expected share of the images with each of the findings, 0 to 1. */
  readonly prevalence: number;
}

export const PHANTOM_LABELS = ['Opacity', 'Effusion', 'Cardiomegaly'] as const;

/** Bumped whenever the same settings give other images. */
const VERSION = 1;
const COMPLETE = 'phantom.json';
const CONCURRENCY = 16;

interface PhantomImage {
  readonly entry: DatasetEntry;
  readonly anatomy: Anatomy;
  readonly findings: Findings;
}

/**
 * Draws the data set into `<root>/<hash of the settings>/` unless it lies there complete; equal settings give equal bytes.
 * Throws CONFIG on impossible settings, IO where it cannot write.
 */
export async function loadPhantom(name: string, source: PhantomSource): Promise<Dataset> {
  checkSettings(source);
  const { kind, images, patients, size, seed, prevalence } = source;
  const settings = { kind, version: VERSION, images, patients, size, seed, prevalence };
  const folder = join(source.root, contentId(settings));
  const plan = planImages(source);
  if (!isComplete(folder)) {
    await withClaim(folder, async () => {
      if (!isComplete(folder)) await writeImages(folder, plan, source, canonicalJson(settings));
    });
  }
  return {
    name,
    root: folder,
    entries: plan.map(({ entry }) => entry),
    labelNames: PHANTOM_LABELS,
    labels: Float32Array.from(
      plan.flatMap(({ findings }) =>
        [findings.opacity, findings.effusion, findings.cardiomegaly].map(Number),
      ),
    ),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: false,
    notes: ['schematic drawings to try the program out, not data for research'],
  };
}

function isComplete(folder: string): boolean {
  return existsSync(join(folder, COMPLETE));
}

function checkSettings({ images, patients, size, prevalence }: PhantomSource): void {
  const refuse = (node: string, expected: string, found: number) => {
    throw new ThawError('CONFIG', `expected ${expected} but found ${found}.`, { node });
  };
  if (!Number.isInteger(images) || images < 1) refuse('images', 'a whole number of at least 1', images);
  if (!Number.isInteger(patients) || patients < 1 || patients > images) {
    refuse('patients', `a whole number from 1 to ${images} (images)`, patients);
  }
  if (!Number.isInteger(size) || size < 16 || size > 4096)
    refuse('size', 'a whole number from 16 to 4096', size);
  if (!(prevalence >= 0 && prevalence <= 1)) refuse('prevalence', 'a share from 0 to 1', prevalence);
}

/** Who has which images and findings: everything but the pixels. */
function planImages({ images, patients, seed, prevalence }: PhantomSource): PhantomImage[] {
  const counts = new Array<number>(patients).fill(1);
  const owners = new RandomStream(seed, STREAM.phantom);
  for (let image = patients; image < images; image++) counts[owners.integer(patients)]!++;
  return counts.flatMap((count, patient) => {
    const random = new RandomStream(seed, STREAM.phantom, patient + 1);
    const anatomy = drawAnatomy(random);
    const findingsOf = drawFindings(random, prevalence);
    const id = `P${String(patient + 1).padStart(5, '0')}`;
    return Array.from({ length: count }, (_, image): PhantomImage => {
      const path = `images/${id}_${String(image).padStart(3, '0')}.png`;
      return { entry: { path, patient: id }, anatomy, findings: findingsOf() };
    });
  });
}

/**
 * A wide heart belongs to the patient. The other findings come and go: a patient is prone to one with 1.5 × prevalence (1 at
 * most), and an image of a prone patient shows it so often that the prevalence is met.
 */
function drawFindings(random: RandomStream, prevalence: number): () => Findings {
  const prone = Math.min(1, 1.5 * prevalence);
  const cardiomegaly = random.uniform() < prevalence;
  const proneToOpacity = random.uniform() < prone;
  const proneToEffusion = random.uniform() < prone;
  const shows = (isProne: boolean) => random.uniform() * prone < prevalence && isProne;
  return () => ({ opacity: shows(proneToOpacity), effusion: shows(proneToEffusion), cardiomegaly });
}

async function writeImages(
  folder: string,
  plan: readonly PhantomImage[],
  { size, seed }: PhantomSource,
  settings: string,
): Promise<void> {
  const partial = `${folder}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(join(partial, 'images'), { recursive: true });
    for (let first = 0; first < plan.length; first += CONCURRENCY) {
      const part = plan.slice(first, first + CONCURRENCY);
      await Promise.all(
        part.map(async ({ entry, anatomy, findings }, offset) => {
          const pixels = drawRadiograph(anatomy, findings, size, seed, first + offset);
          await writeFile(join(partial, entry.path), await encodePng(pixels, size));
        }),
      );
    }
    await writeFile(join(partial, COMPLETE), settings);
    await rename(partial, folder);
  } catch (cause) {
    throw ioError(cause, folder, 'write');
  }
}

function encodePng(pixels: Uint8Array, size: number): Promise<Buffer> {
  return sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer();
}
