import { ThawError } from '../../../base/errors.js';
import { contentId } from '../../../base/hash.js';
import type { EmbeddedImages, RawImage } from '../../dataset.js';
import { MOST_IMAGES, setStream } from './draws.js';

/** What all simulated data sets have. */
export interface PhantomSettings {
  /** Simulated images lie in no folder. */
  readonly root?: undefined;
  readonly images: number;
  /** Height and width in pixels. */
  readonly size: number;
  readonly seed: number;
}

/** Goes with every simulated data set, into report and `thaw data check`. */
export const SIMULATED = 'simulated images to try the program out and to test it, not data for research';

/** Raised whenever the same settings give other images. */
const VERSION = 2;

/** Throws CONFIG, naming the key. */
export function checkSettings({ images, size, seed }: PhantomSettings): void {
  requireWhole('images', images, 1, MOST_IMAGES - 1);
  requireWhole('size', size, 16, 4096);
  requireWhole('seed', seed, 0, 0xffffffff);
}

export function requireWhole(node: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new ThawError('CONFIG', `expected a whole number from ${low} to ${high} but found ${value}.`, {
    node,
  });
}

/** A share of the images, 0 to 1. */
export function requireShare(node: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new ThawError('CONFIG', `expected a share from 0 to 1 but found ${value}.`, { node });
}

/** Pixels that `render` draws when they are asked for; equal settings are equal pixels. `render` is pure. */
export function drawnImages(
  settings: object,
  size: number,
  render: (row: number) => Uint8Array,
): EmbeddedImages {
  return {
    identity: async () => contentId({ version: VERSION, ...settings }),
    read: async (row): Promise<RawImage> => {
      // Drawing takes milliseconds: others have their turn in between.
      await new Promise(setImmediate);
      return { width: size, height: size, channels: 1, data: render(row) };
    },
  };
}

/** The patient of each image, ascending: everybody has one, and who has many tends to get more. */
export function dealImages(seed: number, images: number, patients: number): Uint32Array {
  const random = setStream(seed);
  const owners = new Uint32Array(images);
  for (let image = 0; image < images; image++) {
    if (image < patients) owners[image] = image;
    else owners[image] = random.integer(2) === 0 ? random.integer(patients) : owners[random.integer(image)]!;
  }
  return owners.sort();
}

/** Name of the `visit`-th image (from 0) of a patient (from 0). */
export function imageName(patient: number, visit: number): string {
  return `${patientName(patient)}/${String(visit).padStart(3, '0')}`;
}

export function patientName(patient: number): string {
  return `P${String(patient + 1).padStart(5, '0')}`;
}
