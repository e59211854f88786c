/** Child process of resume.test.ts: extracts slowly until it is killed. Arguments: folder, rows. */
import { extractFeatures } from '../../src/features/extract.js';
import { decodedSlowly, golden, manyImages } from './golden.js';

const [folder, rows] = process.argv.slice(2) as [string, string];
const images = await manyImages(folder, Number(rows));
await extractFeatures(
  golden('exact', folder, { images: decodedSlowly(images, 30), dtype: 'float16', journalSeconds: 0 }),
);
