import { describeModel } from '../src/model/describe.js';
import { loadModel } from '../src/model/registry.js';

/** One look at a file in a process of its own: what is done first of all, and how much memory it takes at its most. */
export interface ImportCase {
  readonly what: 'import' | 'inspect';
  readonly file: string;
  readonly architecture: string;
}

export interface ImportCost {
  readonly milliseconds: number;
  /** Peak of the process above what it held before, in MB (10⁶ bytes). */
  readonly megabytes: number;
}

const { what, file, architecture } = JSON.parse(process.argv[2]!) as ImportCase;
const before = process.memoryUsage.rss();
const begun = performance.now();
if (what === 'inspect') await describeModel(file);
else {
  const input = { size: 224, channels: 3, order: 'RGB', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  await loadModel({ name: 'bench', pretraining: 'none', architecture, file, input }, { folder: '/' });
}
const milliseconds = performance.now() - begun;
const megabytes = (1024 * process.resourceUsage().maxRSS - before) / 1e6;
process.stdout.write(JSON.stringify({ milliseconds, megabytes } satisfies ImportCost));
