import { pretrain } from '../../src/pretrain/pretrain.js';
import { optionsOf, tinyConfig } from './tiny.js';

/** Trains the tiny config of a folder, with a checkpoint after every step; prints a line after each of them, slowly. */
const [folder = ''] = process.argv.slice(2);
await pretrain(
  tinyConfig(folder),
  optionsOf({
    checkpointSeconds: 0,
    progress: {
      note: () => {},
      start: (task) => ({
        advance: () => {
          if (task !== 'train') return;
          process.stdout.write('step\n');
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        },
        finish: () => {},
      }),
    },
  }),
);
