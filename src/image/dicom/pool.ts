import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { messageOf, ThawError } from '../../base/errors.js';
import type { RawImage } from '../../data/dataset.js';
import type { WindowRule } from '../geometry.js';
import type { MeasuredDicom } from './render.js';
import type { DicomAnswer, DicomJob } from './worker.js';

const MOST_WORKERS = 8;
/** The largest image takes some 15 seconds; an image is given up when it takes this long twice. */
const LIMIT_MILLISECONDS = 120_000;
const ATTEMPTS = 2;

type Done = Exclude<DicomAnswer, { code: unknown }>;

interface Waiting {
  readonly job: DicomJob;
  attempts: number;
  resolve(answer: Done): void;
  reject(error: unknown): void;
}

/**
 * Threads that read DICOM files: the decoders are synchronous and take some hundred milliseconds for a radiograph. A thread
 * that dies or hangs costs its image and is replaced. Threads are started as they are needed, and never keep the process alive.
 */
export class DicomPool {
  private readonly queue: Waiting[] = [];
  private readonly idle: Worker[] = [];
  private threads = 0;

  constructor(
    private readonly size = Math.min(availableParallelism(), MOST_WORKERS),
    private readonly limit = LIMIT_MILLISECONDS,
  ) {}

  /** The pixels of a file as `renderDicom` gives them. Throws IMAGE, or IO or RUNTIME when the machine failed rather than the
   * file. */
  async read(path: string, window: WindowRule | undefined): Promise<RawImage> {
    return ((await this.answer({ path, window })) as { image: RawImage }).image;
  }

  /** The same with spacing, and as grey values in modality units (`measureDicom`) or as 8-bit levels of a window. */
  async measure(
    path: string,
    measure: 'values' | 'levels',
    window: WindowRule | undefined,
  ): Promise<MeasuredDicom> {
    return ((await this.answer({ path, window, measure })) as { measured: MeasuredDicom }).measured;
  }

  private answer(job: DicomJob): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.queue.push({ job, attempts: 0, resolve, reject });
      this.next();
    });
  }

  private next(): void {
    if (this.queue.length === 0 || (this.idle.length === 0 && this.threads === this.size)) return;
    const waiting = this.queue.shift()!;
    let worker = this.idle.pop();
    if (worker === undefined) {
      worker = startWorker();
      this.threads++;
    }
    this.give(waiting, worker);
  }

  private give(waiting: Waiting, worker: Worker): void {
    const { job, resolve, reject } = waiting;
    const { path: file } = job;
    waiting.attempts++;
    const finish = (keep: boolean) => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.unref();
      if (keep) this.idle.push(worker);
      else {
        this.threads--;
        // What a thread that is being ended still says must not end the process.
        worker.on('error', () => {});
        void worker.terminate();
      }
    };
    const onMessage = (answer: DicomAnswer) => {
      finish(true);
      if ('code' in answer) reject(errorOf(answer, file));
      else resolve(answer);
      this.next();
    };
    const onError = (cause: NodeJS.ErrnoException) => {
      finish(false);
      const outOfMemory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(
        outOfMemory
          ? new ThawError('IMAGE', 'the image needs too much memory.', { file, cause })
          : new ThawError('RUNTIME', `the thread that reads DICOM has ended: ${messageOf(cause)}.`, {
              file,
              cause,
            }),
      );
      this.next();
    };
    const onTime = () => {
      finish(false);
      if (waiting.attempts < ATTEMPTS) this.queue.push(waiting);
      else reject(new ThawError('IMAGE', 'the image cannot be decoded in reasonable time.', { file }));
      this.next();
    };
    const timer = setTimeout(onTime, this.limit);
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.ref();
    worker.postMessage(job);
  }
}

function errorOf({ code, summary, hint }: Exclude<DicomAnswer, Done>, file: string): ThawError {
  return new ThawError(code, summary, hint === undefined ? { file } : { file, hint });
}

function startWorker(): Worker {
  const compiled = import.meta.url.endsWith('.js');
  if (compiled) return new Worker(new URL('./worker.js', import.meta.url));
  // Uncompiled sources are run through tsx, which does not reach worker threads by itself.
  const code = `const { workerData: { tsx, file } } = require('node:worker_threads');
    import(tsx).then(({ tsImport }) => tsImport(file, file));`;
  const workerData = {
    tsx: import.meta.resolve('tsx/esm/api'),
    file: new URL('./worker.ts', import.meta.url).href,
  };
  return new Worker(code, { eval: true, workerData });
}
