import { ingest } from '../../src/image/ingest.js';
import { datasetOf } from './fixtures.js';

/**
 * One ingest in a process of its own. Arguments: JSON {root, paths, cache, size, slow}; `slow` milliseconds are spent after
 * each image. Prints JSON {contentHash, decoded, peakMegabytes}.
 */
const { root, images, cache, size, slow } = JSON.parse(process.argv[2] ?? '{}');
const paths = Array.from({ length: images }, (_, i) => `${i}.png`);
let decoded = 0;
const store = await ingest(
  datasetOf(root, paths),
  { size, geometry: 'fill', channels: 1 },
  {
    cache,
    progress: {
      note: () => {},
      start: () => ({
        advance: (units) => {
          decoded += units;
          if (slow > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slow);
        },
        finish: () => {},
      }),
    },
  },
);
const { contentHash } = store.index;
console.log(JSON.stringify({ contentHash, decoded, peakMegabytes: process.resourceUsage().maxRSS / 1024 }));
