import { group } from './lazy.js';

export const data = group([
  {
    command: 'check <config>',
    describe:
      'Report on the quality of the data: splits, prevalence, copies of images, odd and unreadable images',
    load: async () => (await import('./data-check.js')).dataCheckCommand,
  },
  {
    command: 'ingest <config>',
    describe: 'Decode the images of a config into the cache, ahead of a sweep',
    load: async () => (await import('./data-ingest.js')).dataIngestCommand,
  },
]);
