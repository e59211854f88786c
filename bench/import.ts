import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Graph } from '../src/model/graph.js';
import { writeOnnx } from '../src/model/onnx-write.js';
import { zooGraph } from '../src/model/zoo/index.js';
import { pickled, tensor, text, type ZipMember, zipOf } from '../test/model/write-pth.js';
import type { BenchLine, BenchOptions } from './bench.js';
import type { ImportCase, ImportCost } from './import-process.js';
import { peerScript } from './json-process.js';

const ROUNDS = 5;
const START_ROUNDS = 9;
const execute = promisify(execFile);
const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * What a model file costs before it is used, medians of processes that open it once: importing the `.pth` of a DenseNet-121 (32 MB)
 * as a card does (weights matched to the network, checked, with a fingerprint), inspecting the `.onnx` of a ResNet-50
 * (102 MB), and `thaw --help` from its start to its end. Peers are torch.load and onnx.load alone, in a running Python.
 */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  try {
    const options = { channels: 3, size: 224, classes: 1000, seed: 1 } as const;
    const pth = join(folder, 'densenet121.pth');
    await writeFile(pth, asPth(zooGraph('densenet121', options)));
    yield* opened({ what: 'import', file: pth, architecture: 'densenet121' }, 'pth', peerPython);
    const onnx = join(folder, 'resnet50.onnx');
    await writeFile(onnx, writeOnnx(zooGraph('resnet50', options)));
    yield* opened({ what: 'inspect', file: onnx, architecture: 'resnet50' }, 'onnx', peerPython);
    yield await startUp();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* opened(
  one: ImportCase,
  kind: 'pth' | 'onnx',
  peerPython: string | undefined,
): AsyncIterable<BenchLine> {
  const size = (await stat(one.file)).size / 1e6;
  const ours: ImportCost[] = [];
  const peers: ImportCost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const words = ['--import', 'tsx', path('import-process.ts'), JSON.stringify(one)];
    ours.push(JSON.parse((await execute(process.execPath, words)).stdout) as ImportCost);
    if (peerPython === undefined) continue;
    const { stdout } = await execute(peerPython, [peerScript('import.py'), kind, one.file]);
    const cost = JSON.parse(stdout) as Partial<ImportCost>;
    if (cost.milliseconds !== undefined) peers.push(cost as ImportCost);
  }
  const name = `${one.what} ${one.architecture} .${kind}, ${size.toFixed(0)} MB`;
  yield line(name, 'ms', ours, peers, ({ milliseconds }) => milliseconds);
  yield line(`${name}: peak above the file's size`, 'MB', ours, peers, ({ megabytes }) => megabytes - size);
}

function line(
  name: string,
  unit: string,
  ours: readonly ImportCost[],
  peers: readonly ImportCost[],
  value: (cost: ImportCost) => number,
): BenchLine {
  const own = median(ours.map(value));
  const peer = peers.length === 0 ? null : median(peers.map(value));
  // Bytes above the size can be less than none: no ratio then.
  const ratio = peer === null || peer <= 0 || own <= 0 ? null : peer / own;
  return { bench: 'import', case: name, ours: own, peer, ratio, unit };
}

async function startUp(): Promise<BenchLine> {
  const times: number[] = [];
  for (let round = 0; round < START_ROUNDS; round++) {
    const begun = performance.now();
    await execute(process.execPath, [path('../dist/main.cjs'), '--help']);
    times.push(performance.now() - begun);
  }
  return { bench: 'import', case: 'thaw --help', ours: median(times), peer: null, ratio: null, unit: 'ms' };
}

/** The state dict of a network as torch.save writes it. */
function asPth(graph: Graph): Buffer {
  const storages: ZipMember[] = [];
  const entries = [...graph.parameters].flatMap(([name, { shape, data }], index) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    storages.push({ name: `archive/data/${index}`, data: bytes });
    const strides = shape.map((_, axis) =>
      shape.slice(axis + 1).reduce((product, length) => product * length, 1),
    );
    return [text(name), tensor(String(index), data.length, { shape, strides })];
  });
  const pickle = { name: 'archive/data.pkl', data: pickled('}', '(', ...entries, 'u') };
  return zipOf([pickle, { name: 'archive/version', data: Buffer.from('3\n') }, ...storages]);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
