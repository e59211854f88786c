import { silent } from '../src/base/progress.js';
import { ingest } from '../src/image/ingest.js';
import { datasetOf } from './ingest.js';

/** Arguments: folder of images `0.png` …, their number, stored size, cache. Prints the process's peak memory in MB. */
const [folder = '', images, size, cache = ''] = process.argv.slice(2);
await ingest(
  datasetOf(folder, Number(images)),
  { size: Number(size), geometry: 'fill', channels: 1 },
  { cache, progress: silent },
);
process.stdout.write(String(process.resourceUsage().maxRSS / 1024));
