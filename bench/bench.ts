import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One line of output: `ratio` above 1 means that ours is the faster. */
export interface BenchLine {
  readonly bench: string;
  readonly case: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly unit: string;
}

export interface BenchOptions {
  /** Python with the packages of bench/peers/requirements.txt; undefined = run without the Python peers. */
  readonly peerPython: string | undefined;
}

interface Bench {
  /** Whether the peer is a Python library. */
  readonly python: boolean;
  load(): Promise<{ run(options: BenchOptions): AsyncIterable<BenchLine> }>;
}

const benches: Record<string, Bench> = {
  heads: { python: true, load: () => import('./heads.js') },
  extract: { python: true, load: () => import('./extract.js') },
  train: { python: true, load: () => import('./train.js') },
  precision: { python: true, load: () => import('./precision.js') },
  ingest: { python: false, load: () => import('./ingest.js') },
  'ingest-scale': { python: false, load: () => import('./ingest-scale.js') },
  phantom: { python: false, load: () => import('./phantom.js') },
  duplicates: { python: false, load: () => import('./duplicates.js') },
  import: { python: true, load: () => import('./import.js') },
  radiomics: { python: true, load: () => import('./radiomics.js') },
  tables: { python: false, load: () => import('./tables.js') },
  logreg: { python: true, load: () => import('./logreg.js') },
  stats: { python: true, load: () => import('./stats.js') },
  coverage: { python: false, load: () => import('./coverage.js') },
};

/** `THAW_PEER_PYTHON`, else a virtual environment made once from the requirements; undefined where that fails. */
function peerPython(): string | undefined {
  if (process.env.THAW_PEER_PYTHON !== undefined) return process.env.THAW_PEER_PYTHON;
  const folder = join(tmpdir(), 'thaw-bench-peer');
  const python = join(folder, 'bin', 'python');
  const requirements = fileURLToPath(new URL('peers/requirements.txt', import.meta.url));
  try {
    if (!existsSync(join(folder, 'ready'))) {
      execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
      execFileSync(python, ['-m', 'pip', 'install', '-q', '-r', requirements], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      execFileSync('touch', [join(folder, 'ready')]);
    }
    return python;
  } catch {
    process.stderr.write('bench: no Python peer (set THAW_PEER_PYTHON); cases that need it are skipped\n');
    return undefined;
  }
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in benches));
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benches).join('|')}\n`);
  process.exit(2);
}
const python = names.some((name) => benches[name]!.python) ? peerPython() : undefined;
for (const name of names) {
  const { run } = await benches[name]!.load();
  for await (const line of run({ peerPython: python })) process.stdout.write(`${JSON.stringify(line)}\n`);
}
