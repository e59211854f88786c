import { parentPort } from 'node:worker_threads';
import { allRows, passOver, tinyNetwork } from './trained-network.js';

// Trains the same network as network.test.ts and tells its logits.
const trained = tinyNetwork();
for (let epoch = 0; epoch < 3; epoch++) await trained.network.train(passOver(trained, { epoch }));
parentPort?.postMessage(await trained.network.infer(allRows));
trained.network.dispose();
