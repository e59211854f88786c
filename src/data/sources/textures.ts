import type { Dataset, DatasetEntry } from '../dataset.js';
import { setStream } from './phantom/draws.js';
import {
  checkSettings,
  drawnImages,
  type PhantomSettings,
  patientName,
  requireWhole,
  SIMULATED,
} from './phantom/settings.js';
import { MOST_CLASSES, renderTexture, textureNames } from './phantom/textures/render.js';

/** Drawn shapes and textures of many classes, to pretrain on what is no radiograph; docs/phantoms.md shows them. */
export interface TexturesSource extends PhantomSettings {
  readonly kind: 'textures';
  readonly classes: number;
}

/** Plans the data set, equally many images a class (± 1); every image counts as a patient. Throws CONFIG. */
export async function loadTextures(name: string, source: TexturesSource): Promise<Dataset> {
  checkSettings(source);
  const { kind, images, size, seed, classes } = source;
  requireWhole('classes', classes, 2, MOST_CLASSES);
  const labelNames = textureNames(classes);
  const order = setStream(seed).shuffle(Uint32Array.from({ length: images }, (_, row) => row % classes));
  const labels = new Float32Array(images * classes);
  const entries = Array.from(order, (index, row): DatasetEntry => {
    labels[row * classes + index] = 1;
    return { path: `${labelNames[index]}/${String(row).padStart(6, '0')}`, patient: patientName(row) };
  });
  return {
    name,
    root: kind,
    entries,
    labelNames,
    labels,
    embedded: drawnImages({ kind, images, size, seed, classes }, size, (row) =>
      renderTexture(seed, row, order[row]!, size),
    ),
    exclusive: true,
    missingImages: 0,
    patientsAssumed: false,
    notes: [SIMULATED],
  };
}
