import { Worker } from 'node:worker_threads';

/** Runs a TypeScript file of this folder in a worker thread. */
export function startWorker(file: string): Worker {
  const code = `
    const { workerData } = require('node:worker_threads');
    import(workerData.tsx).then(({ tsImport }) => tsImport(workerData.path, workerData.path));
  `;
  const workerData = {
    path: new URL(file, import.meta.url).href,
    tsx: import.meta.resolve('tsx/esm/api'),
  };
  return new Worker(code, { eval: true, workerData });
}
