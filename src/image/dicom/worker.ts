import { parentPort } from 'node:worker_threads';
import { messageOf, ThawError } from '../../base/errors.js';
import type { RawImage } from '../../data/dataset.js';
import { readSuspect } from '../decode-failure.js';
import type { WindowRule } from '../geometry.js';
import { type MeasuredDicom, measureDicom, renderDicom, renderMeasured } from './render.js';

/** `measure`: with spacing, as grey values in modality units or, of a window, as 8-bit levels. */
export interface DicomJob {
  readonly path: string;
  readonly window: WindowRule | undefined;
  readonly measure?: 'values' | 'levels';
}

export type DicomAnswer =
  | { readonly image: RawImage }
  | { readonly measured: MeasuredDicom }
  | { readonly code: ThawError['code']; readonly summary: string; readonly hint: string | undefined };

async function answer({ path, window, measure }: DicomJob): Promise<DicomAnswer> {
  try {
    const bytes = await readSuspect(path);
    if (measure === undefined) return { image: renderDicom(bytes, window) };
    return { measured: measure === 'values' ? measureDicom(bytes) : renderMeasured(bytes, window) };
  } catch (error) {
    if (!(error instanceof ThawError))
      return { code: 'RUNTIME', summary: `${messageOf(error)}.`, hint: undefined };
    const { code, summary, hint } = error;
    return { code, summary, hint };
  }
}

/** One job after another; the pixels are handed over, not copied. */
parentPort?.on('message', async (job: DicomJob) => {
  const message = await answer(job);
  parentPort?.postMessage(message, buffersOf(message));
});

function buffersOf(message: DicomAnswer): ArrayBuffer[] {
  if ('image' in message) return [message.image.data.buffer as ArrayBuffer];
  if (!('measured' in message)) return [];
  const { image } = message.measured;
  return [('values' in image ? image.values : image.data).buffer as ArrayBuffer];
}
