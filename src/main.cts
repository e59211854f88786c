#!/usr/bin/env node
import os = require('node:os');

// libuv reads this once, when its pool starts: images are decoded on this pool, one a thread. Loading an ES module starts
// it, so it must be said here, before the first `import`.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, 2 * os.availableParallelism()));

void import('./cli.js').then(({ main }) => main(process.argv.slice(2)));
