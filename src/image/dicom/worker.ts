import { parentPort } from 'node:worker_threads';
import { messageOf, ThawError } from '../../base/errors.js';
import type { RawImage } from '../../data/dataset.js';
import { readSuspect } from '../decode-failure.js';
import type { WindowRule } from '../geometry.js';
import { renderDicom } from './render.js';

export interface DicomJob {
  readonly path: string;
  readonly window: WindowRule | undefined;
}

export type DicomAnswer =
  | { readonly image: RawImage }
  | { readonly code: ThawError['code']; readonly summary: string; readonly hint: string | undefined };

async function answer({ path, window }: DicomJob): Promise<DicomAnswer> {
  try {
    return { image: renderDicom(await readSuspect(path), window) };
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
  const pixels = 'image' in message ? [message.image.data.buffer as ArrayBuffer] : [];
  parentPort?.postMessage(message, pixels);
});
