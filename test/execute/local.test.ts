import { fileURLToPath } from 'node:url';
import { LocalExecutor } from '../../src/execute/local.js';
import { executorSuite } from './executor-suite.js';

const script = fileURLToPath(new URL('pretend-worker.mjs', import.meta.url));

executorSuite('local', (workers) => new LocalExecutor({ workers, script }));
