import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { contentId } from '../base/hash.js';
import { findCut, prefixOf } from './cut.js';
import type { Shape } from './graph.js';
import { writeOnnx } from './onnx-write.js';
import type { LoadedModel } from './registry.js';
import { renamed } from './rename.js';
import { poolBeforePointwise } from './simplify.js';

/** Names of the input [batch, C, size, size] and the output [batch, ...shape] of every exported prefix. */
export const PREFIX_INPUT = 'images';
export const PREFIX_OUTPUT = 'features';

export interface PrefixOptions {
  /** Height and width of the input images. */
  readonly size: number;
  /** Fixed number of images in a batch. */
  readonly batch: number;
  readonly cacheFolder: string;
}

export interface ExportedPrefix {
  readonly path: string;
  /** Shape of one image's activation at the cut, [F] or [C, H, W]. */
  readonly shape: Shape;
  /** Content address of model, cut, size and batch; also the name of the folder. */
  readonly id: string;
}

/** Part of the content address: raised when the files are written differently. */
const FORMAT = 2;

/**
 * Writes the frozen part of a model up to `cut` as `<cache>/models/<id>/prefix.onnx`, unless it is there already.
 * Throws MODEL for an unknown cut (listing those there are) or a size that the network does not take, IO when it cannot
 * be written.
 */
export async function exportPrefix(
  model: LoadedModel,
  cut: string,
  options: PrefixOptions,
): Promise<ExportedPrefix> {
  const { size, batch, cacheFolder } = options;
  if (!Number.isInteger(batch) || batch < 1)
    throw new ThawError('MODEL', `expects a batch of at least 1 image, received ${batch}.`, { node: cut });
  const inputShape = [model.card.input.channels, size, size];
  const trunk = { inputShape, featureTensor: model.card.featureTensor };
  const found = findCut(model.graph, cut, trunk);
  const id = contentId({ format: FORMAT, model: model.fingerprint, cut, size, batch });
  const path = join(cacheFolder, 'models', id, 'prefix.onnx');
  if (!existsSync(path)) {
    const names = { input: PREFIX_INPUT, output: PREFIX_OUTPUT, weights: 'numbered' } as const;
    const prefix = renamed(poolBeforePointwise(prefixOf(model.graph, found, trunk)), names);
    await writeFileAtomic(path, writeOnnx(prefix, { batch }));
  }
  return { path, shape: found.shape, id };
}
