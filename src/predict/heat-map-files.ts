import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';
import { ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';
import { suggestionOrList } from '../base/nearest.js';
import type { SessionOptions } from '../features/session.js';
import { decodeImage, decodeWhole } from '../image/decode.js';
import { DistinctNames } from './files.js';
import { HeatMapper } from './grad-cam.js';
import type { PredictingModel } from './open-model.js';
import { type ColourTable, infernoColours, overlay } from './overlay.js';
import { placementOf } from './placement.js';
import type { Prediction } from './predict.js';

/** Which labels heat maps are drawn of: these, all, or of each image the one with the highest probability. */
export type WantedLabels = readonly string[] | 'all' | 'highest';

/** Draws the heat maps of predicted images into a folder, as `<image>.<label>.<probability>.png`. */
export class HeatMapFiles implements AsyncDisposable {
  private readonly names = new DistinctNames();

  private constructor(
    private readonly folder: string,
    private readonly model: PredictingModel,
    /** Undefined: the highest. */
    private readonly outputs: readonly number[] | undefined,
    private readonly mapper: HeatMapper,
    private readonly colours: ColourTable,
    private readonly temporary: string,
  ) {}

  /** Throws CONFIG for a label that the model does not have, MODEL for a network that heat maps cannot be made of, IO. */
  static async open(
    folder: string,
    model: PredictingModel,
    wanted: WantedLabels,
    options: SessionOptions,
  ): Promise<HeatMapFiles> {
    const outputs = wantedOutputs(model.reading.labels, wanted);
    const mapper = await HeatMapper.open(model, options);
    try {
      await mkdir(folder, { recursive: true });
    } catch (cause) {
      throw ioError(cause, folder, 'write');
    }
    const temporary = await mkdtemp(join(tmpdir(), 'thaw-heat-'));
    return new HeatMapFiles(folder, model, outputs, mapper, await infernoColours(), temporary);
  }

  /** Draws what was asked for of one image; nothing for one that has no prediction. Resolves to the files. */
  async draw(prediction: Prediction): Promise<string[]> {
    if ('error' in prediction) return [];
    const { file, probabilities } = prediction;
    const { reading } = this.model;
    const outputs = this.outputs ?? [probabilities.indexOf(Math.max(...probabilities))];
    const dataPath = join(this.temporary, 'image.bin');
    await writeFile(dataPath, await decodeImage(file, reading.images));
    const maps = await this.mapper.run({ dataPath, rows: 1 }, outputs);
    const image = await decodeWhole(file, reading.images.window);
    const placement = placementOf(image, reading);
    const stem = this.names.of(basename(file, extname(file)));
    const files: string[] = [];
    for (const [index, output] of outputs.entries()) {
      const pixels = overlay(image, maps[index]!, placement, this.colours);
      const { width, height } = image;
      const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      const label = reading.labels[output]!.replaceAll(/[^\p{L}\p{N}-]+/gu, '_');
      const path = join(this.folder, `${stem}.${label}.${probabilities[output]!.toFixed(3)}.png`);
      await writeFileAtomic(path, png);
      files.push(path);
    }
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mapper[Symbol.asyncDispose]();
    await rm(this.temporary, { recursive: true, force: true });
  }
}

function wantedOutputs(labels: readonly string[], wanted: WantedLabels): number[] | undefined {
  if (wanted === 'highest') return undefined;
  if (wanted === 'all') return labels.map((_, output) => output);
  return wanted.map((label) => {
    const exact = labels.indexOf(label);
    const output =
      exact >= 0 ? exact : labels.findIndex((known) => known.toLowerCase() === label.toLowerCase());
    if (output >= 0) return output;
    throw new ThawError('CONFIG', `the model has no label '${label}'.`, {
      node: '--label',
      hint: suggestionOrList(label, labels),
    });
  });
}
