import { unlessAborted } from '../base/abort.js';
import { addon, type NativeBatchAssembler } from '../engine/addon.js';
import type { ModelInput } from '../model/card.js';
import { assembleOptions } from './assemble.js';
import type { FeatureImages } from './images.js';
import type { Turn } from './pipeline.js';
import { nativeView, type View, viewSide } from './view.js';

export interface BatchLoaderOptions {
  /** `dataPath` is read when the first batch is loaded: the store of a running ingest is renamed when complete. */
  readonly images: FeatureImages;
  readonly input: ModelInput;
  readonly batch: number;
  readonly view: View;
  readonly signal: AbortSignal;
  readonly abortHint: string;
}

export interface LoadedBatch {
  /** Normalised network input [batch, channels, side, side]. */
  readonly pixels: Float32Array;
  /** `performance.now()` at which all images of the batch were decoded. */
  readonly readyAt: number;
}

/** Turns rows of the image store into network input on a worker thread, batch by batch. */
export class BatchLoader {
  private readonly buffers: readonly [Float32Array, Float32Array];
  private assembler: NativeBatchAssembler | undefined;

  constructor(private readonly options: BatchLoaderOptions) {
    const { batch, input, images, view } = options;
    const length = batch * input.channels * viewSide(view, images.layout.size) ** 2;
    this.buffers = [new Float32Array(length), new Float32Array(length)];
  }

  /**
   * Fills buffer `turn` with the images from row `start` on; behind the last image of the store it is repeated.
   * When the images are decoded already, the work has been handed to the worker thread before the next turn of the event
   * loop, so that it goes on while an inference blocks it.
   */
  async load(start: number, turn: Turn): Promise<LoadedBatch> {
    const { images, batch, signal, abortHint } = this.options;
    const last = images.rows - 1;
    const ready = images.ready?.(Math.min(start + batch, images.rows));
    if (ready !== undefined) await unlessAborted(ready, signal, abortHint);
    const readyAt = performance.now();
    const rows = Uint32Array.from({ length: batch }, (_, index) => Math.min(start + index, last));
    this.assembler ??= this.open();
    const pixels = this.buffers[turn];
    await this.assembler.assemble(rows, pixels);
    return { pixels, readyAt };
  }

  /** Call it when no batch is being loaded. */
  dispose(): void {
    this.assembler?.dispose();
  }

  private open(): NativeBatchAssembler {
    const { BatchAssembler } = addon();
    const { images, input, view } = this.options;
    const { dataPath } = images;
    try {
      return new BatchAssembler(assembleOptions({ ...images, dataPath }, input), nativeView(view));
    } catch (error) {
      // Another process may just have completed and renamed the store.
      if (images.dataPath === dataPath) throw error;
      return new BatchAssembler(assembleOptions(images, input), nativeView(view));
    }
  }
}
