import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Graph } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { thaw } from '../e2e/thaw.js';

const cli = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const preset = fileURLToPath(new URL('../../presets/quickstart.yaml', import.meta.url));

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('wrong arguments: status 2, the help and one sentence', async (t) => {
  const folder = temporaryFolder(t);
  const cases: [string[], RegExp][] = [
    [[], /Name a command/],
    [['swep'], /sweep/],
    [['models'], /Name what to do: list, pull, import/],
    [['data'], /Name what to do: check, ingest/],
    [['models', 'list', '--jsn'], /Unknown argument: jsn/],
    [['models', '--models', 'x', 'pull'], /Not enough non-option arguments/],
    [['status'], /Not enough non-option arguments/],
    [['sweep', preset, '--wrokers', '2'], /wrokers/],
    [['sweep', preset, 'other.yaml'], /other\.yaml/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { status, stdout, stderr } = await thaw(args, folder);
      assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.match(stderr, /^thaw /);
      assert.equal(stdout, '');
    }),
  );
});

test('the help loads nothing but the lists of commands: it is there in 0.2 s', () => {
  const loaded = new Set<string>();
  const load = (url: URL): void => {
    if (loaded.has(url.href)) return;
    loaded.add(url.href);
    const text = readFileSync(url, 'utf8');
    // Static imports of values; of those that are awaited, the help needs the ones that stand by themselves.
    const named = [
      ...text.matchAll(/^import (?!type )[^']*'(\.[^']+)'/gm),
      ...text.matchAll(/= await import\('(\.[^']+)'\)/g),
    ];
    for (const [, path = ''] of named) load(new URL(path.replace(/\.js$/, '.ts'), url));
  };
  load(new URL('../../src/cli.ts', import.meta.url));
  const root = new URL('../../src/', import.meta.url).href;
  assert.deepEqual([...loaded].map((href) => href.slice(root.length)).sort(), [
    'base/errors.ts',
    'cli.ts',
    'cli/lazy.ts',
    'cli/outcome.ts',
    'engine/addon.ts',
    'execute/versions.ts',
  ]);
});

test('help and version are no mistakes', async (t) => {
  const folder = temporaryFolder(t);
  const help = await thaw(['sweep', '--help'], folder);
  assert.deepEqual([help.status, help.stderr], [0, '']);
  assert.match(help.stdout, /--workers/);
  const version = await thaw(['--version'], folder);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("the user's errors: status 1, one message with the place, no stack", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'empty.onnx'), '');
  writeFileSync(join(folder, 'model.bin'), '');
  const cases: [string[], RegExp][] = [
    [['status', 'nowhere'], /nowhere: expected a run folder/],
    [['report', 'nowhere'], /nowhere: expected a run folder/],
    [['data', 'check', 'nowhere.yaml'], /nowhere\.yaml: cannot read \(ENOENT\)/],
    [['models', 'inspect', 'nowhere.onnx'], /nowhere\.onnx: cannot read \(ENOENT\)/],
    [['models', 'inspect', 'empty.onnx'], /empty\.onnx: /],
    [['models', 'inspect', 'model.bin'], /expects a \.onnx/],
    [['sweep', preset, '--device', 'gpu'], /--device: expected auto, cpu/],
    [['sweep', preset, '--workers', 'two'], /--workers: expected a whole number/],
    [['sweep', preset, '--filter', 'colour=red'], /colour/],
    [['sweep', preset, '--set', 'grid.lr'], /grid\.lr/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { status, stderr } = await thaw(args, folder);
      assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.match(stderr, /^thaw: /);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }),
  );
});

test('a reader that closes early is no error', async () => {
  const child = spawn(process.execPath, [cli, 'models', 'inspect', card], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([status, stderr], [0, '']);
});

test('models inspect: a card, and a network of one convolution and one layer', async (t) => {
  const folder = temporaryFolder(t);
  const random = await thaw(['models', 'inspect', card], folder);
  assert.equal(random.status, 0, random.stderr);
  const described = JSON.parse(random.stdout);
  assert.equal(described.format, 'random');
  // torchvision's squeezenet1_1 without its classifier.
  assert.deepEqual(described.graph.cuts.find((cut: { name: string }) => cut.name === 'pooled').shape, [512]);

  const graph: Graph = {
    name: 'small',
    input: 'image',
    inputShape: [1, 16, 16],
    output: 'logits',
    nodes: [
      {
        op: 'conv2d',
        name: 'conv',
        inputs: ['image'],
        output: 'maps',
        weight: 'w',
        stride: [1, 1],
        dilation: [1, 1],
        padding: [1, 1, 1, 1],
        groups: 1,
      },
      { op: 'relu', name: 'relu', inputs: ['maps'], output: 'active' },
      { op: 'global-average-pool', name: 'pool', inputs: ['active'], output: 'means' },
      { op: 'flatten', name: 'flatten', inputs: ['means'], output: 'vector' },
      { op: 'linear', name: 'head', inputs: ['vector'], output: 'logits', weight: 'v' },
    ],
    parameters: new Map([
      ['w', { shape: [4, 1, 3, 3], data: new Float32Array(36).fill(0.1) }],
      ['v', { shape: [2, 4], data: new Float32Array(8).fill(1) }],
    ]),
  };
  writeFileSync(join(folder, 'small.onnx'), writeOnnx(graph));
  const { status, stdout, stderr } = await thaw(['models', 'inspect', 'small.onnx'], folder);
  assert.equal(status, 0, stderr);
  const small = JSON.parse(stdout);
  assert.equal(small.problem, undefined, stdout);
  assert.deepEqual(small.operators, {
    Conv: 1,
    Relu: 1,
    GlobalAveragePool: 1,
    Flatten: 1,
    Gemm: 1,
  });
  assert.equal(small.graph.parameters, 36 + 8);
  // 4 · 9 at each of 16 × 16 places, and 2 × 4.
  assert.equal(small.graph.multiplyAdds, 36 * 256 + 8);
});

test('doctor --json: every check has a value, and the status says whether all are well', async (t) => {
  const { status, stdout } = await thaw(['doctor', '--json'], temporaryFolder(t));
  const checks = JSON.parse(stdout) as { name: string; ok: boolean; value: string }[];
  assert.equal(status, checks.every(({ ok }) => ok) ? 0 : 1);
  assert.ok(checks.every(({ value }) => value.length > 0));
  const ok = (name: string) => checks.find((check) => check.name === name)?.ok;
  assert.deepEqual([ok('node'), ok('C++ addon'), ok('onnxruntime')], [true, true, true]);
  assert.ok(checks.find(({ name }) => name === 'node')!.value.startsWith(process.versions.node));
});

test('npm runs scripts in the package: paths of `npm run sweep` are those of the user', async (t) => {
  const folder = temporaryFolder(t);
  const elsewhere = join(folder, 'package');
  mkdirSync(elsewhere);
  writeFileSync(join(folder, 'mine.yaml'), `data: 3\n`);
  const run = (event: string) =>
    new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [cli, 'sweep', 'mine.yaml', '--dry-run'], {
        cwd: elsewhere,
        env: { ...process.env, INIT_CWD: folder, npm_lifecycle_event: event },
      });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      child.on('close', () => resolve(stderr));
    });
  assert.match(await run('sweep'), /\.\.\/mine\.yaml:1:.*data/);
  assert.match(await run('test'), /mine\.yaml: cannot read \(ENOENT\)/);
});
