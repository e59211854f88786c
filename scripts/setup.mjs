// Makes a fresh checkout ready: npm packages, system packages, the C++ addon, the compiled TypeScript.
// Needs only Node and npm; does nothing (well under half a second) when everything is up to date.
// `npm run setup -- --cuda` also installs onnxruntime's CUDA provider, `--cuda-libs FOLDER` (or THAW_CUDA_LIBS) takes it from a
// folder. A later set-up that finds the packages installed anew does that again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'build', 'setup.json');
const lockFolder = join(root, '.setup-lock');
const minimumNode = [20, 19];

function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

function fail(message) {
  say(message);
  rmSync(lockFolder, { recursive: true, force: true });
  process.exit(1);
}

function run(command, args, what, env = process.env) {
  const started = Date.now();
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error !== undefined || result.status !== 0) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n');
    process.stderr.write(`${output.slice(-60).join('\n')}\n`);
    fail(
      `${what} failed (${command} ${args.join(' ')}): ${result.error?.message ?? `exit status ${result.status}`}`,
    );
  }
  say(`${what} done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

/** SHA-256 over names and contents of files and folders (relative to the root). */
function hashOf(paths, salt) {
  const hash = createHash('sha256').update(salt);
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else {
      hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
    }
  };
  for (const path of paths) visit(join(root, path));
  return hash.digest('hex');
}

function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function writeStamp(key, value) {
  mkdirSync(dirname(stampFile), { recursive: true });
  const temporary = `${stampFile}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify({ ...readStamps(), [key]: value }, null, 2)}\n`);
  renameSync(temporary, stampFile);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimumNode[0] || (major === minimumNode[0] && minor < minimumNode[1])) {
    fail(
      `Node ${minimumNode.join('.')} or newer is needed, this is ${process.versions.node}. See https://nodejs.org`,
    );
  }
}

/** npm packages, exactly as the lock file says. */
function installPackages() {
  const wanted = hashOf(
    ['package-lock.json', '.npmrc'],
    `${process.platform} ${process.arch} ${process.versions.modules}`,
  );
  const stamp = join(root, 'node_modules', '.thaw-setup');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing npm packages (npm ci) …');
  // onnxruntime-node would otherwise fetch CUDA libraries after the install and fail where it cannot; see docs/features.md.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', NODE_ENV: 'development' };
  run(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--include=dev', '--no-audit', '--no-fund'],
    'npm packages',
    env,
  );
  writeFileSync(stamp, wanted);
}

const systemPackages = [
  {
    what: 'cmake',
    apt: 'cmake',
    dnf: 'cmake',
    conda: 'cmake',
    module: 'cmake',
    required: true,
    found: () => onPath('cmake'),
  },
  {
    what: 'a C++20 compiler',
    apt: 'g++',
    dnf: 'gcc-c++',
    conda: 'cxx-compiler',
    module: 'gcc (11 or newer)',
    required: true,
    found: () => process.env.CXX !== undefined || ['c++', 'g++', 'clang++'].some(onPath),
  },
  {
    what: 'make',
    apt: 'make',
    dnf: 'make',
    conda: 'make',
    module: 'make',
    required: true,
    found: () => onPath('make') || onPath('ninja'),
  },
  {
    what: 'oneDNN',
    apt: 'libdnnl-dev',
    dnf: 'onednn-devel',
    conda: 'onednn',
    module: 'oneDNN',
    // The training of convolutions needs it; frozen features do not.
    required: false,
    found: () =>
      [process.env.DNNLROOT, process.env.CONDA_PREFIX, '/usr', '/usr/local', '/opt/homebrew']
        .filter((prefix) => prefix !== undefined)
        .some(
          (prefix) =>
            existsSync(join(prefix, 'include', 'dnnl.hpp')) ||
            existsSync(join(prefix, 'include', 'oneapi', 'dnnl', 'dnnl.hpp')),
        ),
  },
];

/** Debian and Ubuntu as root: installs what is missing. Elsewhere: one line that says what to install and how. */
function installSystemPackages() {
  const missing = systemPackages.filter((entry) => !entry.found());
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && onPath('apt-get')) {
    const names = missing.map((entry) => entry.apt);
    say(`installing system packages: ${names.join(' ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    const result = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
      env,
      encoding: 'utf8',
    });
    if (result.status === 0) return;
    say(`apt-get could not install ${names.join(' ')}: ${(result.stderr ?? '').trim().split('\n').at(-1)}`);
  }
  const list = (kind) => missing.map((entry) => entry[kind]).join(' ');
  const line =
    `missing: ${list('what').replaceAll(' a C++20', ', a C++20')}. Install with \`apt-get install ${list('apt')}\`, ` +
    `\`dnf install ${list('dnf')}\`, \`conda install -c conda-forge ${list('conda')}\` or \`module load ${list('module')}\`.`;
  if (missing.some((entry) => entry.required)) fail(line);
  say(`${line} Not needed for frozen features; going on without.`);
}

function buildAddon() {
  const addon = join(root, 'build', 'Release', 'thaw.node');
  const wanted = hashOf(
    ['CMakeLists.txt', 'native', 'node_modules/node-addon-api/package.json'],
    `${process.platform} ${process.arch} ${process.env.CXX ?? ''} ${process.env.THAW_CUDA ?? ''}`,
  );
  if (existsSync(addon) && readStamps().addon === wanted) return;
  installSystemPackages();
  say('building the C++ addon …');
  run(process.execPath, ['node_modules/cmake-js/bin/cmake-js', 'build', '--config', 'Release'], 'C++ addon');
  writeStamp('addon', wanted);
}

function buildTypeScript() {
  const wanted = hashOf(
    ['src', 'tsconfig.json', 'tsconfig.build.json', 'node_modules/typescript/package.json'],
    '',
  );
  const main = join(root, 'dist', 'main.cjs');
  if (existsSync(main) && readStamps().typescript === wanted) return;
  say('compiling TypeScript …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], 'TypeScript');
  writeStamp('typescript', wanted);
}

/** `npx thaw` from the root of the repository. */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'thaw');
  const main = join(root, 'dist', 'main.cjs');
  chmodSync(main, 0o755);
  try {
    lstatSync(link);
  } catch {
    symlinkSync(join('..', '..', 'dist', 'main.cjs'), link);
  }
}

/** One set-up at a time in a checkout; the lock of a process that is gone is taken over. */
function lock() {
  for (let announced = false; ; ) {
    try {
      mkdirSync(lockFolder);
      writeFileSync(join(lockFolder, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const age = Date.now() - (statSync(lockFolder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (!ownerAlive() && age > 1000) {
      rmSync(lockFolder, { recursive: true, force: true });
      continue;
    }
    if (!announced) say('waiting for another set-up of this checkout …');
    announced = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
}

function ownerAlive() {
  try {
    process.kill(Number(readFileSync(join(lockFolder, 'pid'), 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** What the command line and the environment ask for; undefined: no CUDA. */
function wantedCuda() {
  try {
    const options = { cuda: { type: 'boolean' }, 'cuda-libs': { type: 'string' } };
    const { values } = parseArgs({ options });
    const folder = values['cuda-libs'] ?? process.env.THAW_CUDA_LIBS;
    if (values.cuda !== true && values['cuda-libs'] === undefined) return undefined;
    return { from: folder === undefined || folder === '' ? null : resolve(folder) };
  } catch (error) {
    say(error.message);
    say('usage: npm run setup [-- --cuda [--cuda-libs FOLDER]]');
    process.exit(2);
  }
}

/** The CUDA provider, when it is asked for now or was before: `npm ci` has removed it with the package. */
async function installCudaProvider(asked) {
  const before = readStamps().cuda;
  const packageFolder = join(root, 'node_modules', 'onnxruntime-node');
  const binding = join(packageFolder, 'bin', 'napi-v6', 'linux', 'x64');
  const lost = before !== undefined && !existsSync(join(binding, 'libonnxruntime_providers_cuda.so'));
  if (asked === undefined && !lost) return;
  const { from } = asked ?? before;
  const module = pathToFileURL(join(root, 'dist', 'features', 'cuda-install.js'));
  const { installCuda, runInstallScript } = await import(module.href);
  try {
    const platform = `${process.platform}/${process.arch}`;
    installCuda({ platform, packageFolder, from: from ?? undefined, say, fetch: runInstallScript });
    writeStamp('cuda', { from });
  } catch (error) {
    if (asked !== undefined) return fail(error.message);
    say(`warning: the CUDA provider that was installed before is gone: ${error.message}`);
  }
}

const cuda = wantedCuda();
checkNode();
lock();
try {
  installPackages();
  buildAddon();
  buildTypeScript();
  linkCommand();
  await installCudaProvider(cuda);
} finally {
  rmSync(lockFolder, { recursive: true, force: true });
}
