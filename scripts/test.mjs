// All checks of the project, in order: lint and format, types, C++ tests, Node's test runner (end-to-end sweeps and the
// browser test of the report included). `npm test -- --only cpp,node` runs a part; `npm test -- test/data` only those files.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Tests run beside each other: threads of the engine that wait must not take the others' time.
process.env.GOMP_SPINCOUNT ??= '1000';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const totals = { passed: 0, failed: 0, skipped: 0 };
const args = process.argv.slice(2);
const onlyAt = args.indexOf('--only');
const only = onlyAt < 0 ? undefined : args.splice(onlyAt, 2)[1]?.split(',');
const paths = args.filter((arg) => !arg.startsWith('-'));

/** Runs a command, passes its output through and returns it with the exit status. */
function run(command, commandArgs, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        process.stdout.write(chunk);
      });
    }
    child.on('error', (error) => resolve({ status: 1, output: `${output}${error.message}\n` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

function count(ok) {
  totals[ok ? 'passed' : 'failed']++;
}

async function single(command, commandArgs) {
  count((await run(command, commandArgs)).status === 0);
}

function filesBelow(folder, ending) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, ending);
    return ending.some((suffix) => entry.name.endsWith(suffix)) ? [path] : [];
  });
}

async function lint() {
  await single(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);
  if (spawnSync('clang-format', ['--version']).status !== 0) {
    console.log('C++ format not checked: clang-format is not on the PATH (apt-get install clang-format)');
    totals.skipped++;
    return;
  }
  await single('clang-format', [
    '--dry-run',
    '--Werror',
    ...filesBelow(join(root, 'native'), ['.h', '.cpp']),
  ]);
}

async function types() {
  await single(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
}

/** The engine builds and tests without Node. */
function cpp() {
  return engine('engine', ['-DCMAKE_BUILD_TYPE=Release'], []);
}

/** With address and undefined-behaviour checks, when asked for by `--only sanitize`; not the long comparisons of numbers. */
function sanitize() {
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_CXX_FLAGS_RELEASE=-O1', '-DTHAW_SANITIZE=ON'];
  return engine('sanitize', options, ['--exclude-regex', 'golden_network|onednn']);
}

async function engine(folder, options, chosen) {
  const build = join('build', folder);
  const jobs = String(availableParallelism());
  const steps = [
    ['cmake', ['-S', '.', '-B', build, '-DTHAW_ADDON=OFF', ...options]],
    ['cmake', ['--build', build, '-j', jobs]],
  ];
  for (const [command, commandArgs] of steps) {
    const { status } = await run(command, commandArgs);
    if (status !== 0) return count(false);
  }
  const { status, output } = await run('ctest', [
    '--test-dir',
    build,
    '--output-on-failure',
    '-j',
    jobs,
    ...chosen,
  ]);
  const [, failed = '0', all = '0'] = /(\d+) tests? failed out of (\d+)/.exec(output) ?? [];
  totals.passed += Number(all) - Number(failed);
  totals.failed += Number(failed);
  if (status !== 0 && Number(failed) === 0) count(false);
  if (Number(all) === 0) count(false);
}

async function node() {
  const chosen = paths.length === 0 ? ['test'] : paths;
  const files = chosen.flatMap((path) => {
    const full = join(root, path);
    if (!existsSync(full)) throw new Error(`no such test file or folder: ${path}`);
    return statSync(full).isDirectory() ? filesBelow(full, ['.test.ts']) : [full];
  });
  const { status, output } = await run(
    process.execPath,
    ['--import', 'tsx', '--test', '--test-reporter=spec', ...files],
    {
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    },
  );
  const number = (name) => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  totals.passed += number('pass');
  totals.failed += number('fail') + number('cancelled');
  totals.skipped += number('skipped') + number('todo');
  if (status !== 0 && number('fail') + number('cancelled') === 0) count(false);
  if (number('tests') === 0) count(false);
}

const stages = { lint, types, cpp, node, sanitize };
for (const [name, stage] of Object.entries(stages)) {
  if (
    only !== undefined ? !only.includes(name) : name === 'sanitize' || (paths.length > 0 && name !== 'node')
  )
    continue;
  console.log(`\n== ${name}`);
  const started = Date.now();
  await stage();
  console.log(`== ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 ? 0 : 1);
