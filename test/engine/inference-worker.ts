import { parentPort } from 'node:worker_threads';
import { Inference } from '../../src/engine/inference.js';
import { prefixOf } from '../../src/model/cut.js';
import { zooGraph } from '../../src/model/zoo/index.js';

// Computes until it is terminated.
const graph = prefixOf(zooGraph('resnet18', { channels: 1, size: 64, classes: 2, seed: 1 }), 'block2');
const options = { batch: 8, threads: 2, device: 'cpu', precision: 'fp32', winograd: true } as const;
const inference = Inference.create({ graph, ...options }, 'test');
const images = new Float32Array(8 * 64 * 64).fill(0.5);
const outputs = new Float32Array(8 * 128 * 8 * 8);
await inference.run(images, outputs);
parentPort?.postMessage('running');
for (;;) await inference.run(images, outputs);
