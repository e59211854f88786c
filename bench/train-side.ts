import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { RandomStream, STREAM } from '../src/base/random.js';
import type { NativeNetworkInput } from '../src/engine/addon.js';
import { NO_AUGMENT } from '../src/engine/augment.js';
import { Network } from '../src/engine/network.js';
import { suffixOf } from '../src/model/cut.js';
import type { Graph } from '../src/model/graph.js';
import { writeOnnx } from '../src/model/onnx-write.js';
import { poolBeforePointwise } from '../src/model/simplify.js';
import { findStages } from '../src/model/stages.js';
import { zooGraph } from '../src/model/zoo/index.js';

// Our side of bench/train.ts, in a process of its own as the peer is: the commands of peers/train.py.
interface Prepare {
  readonly net: string;
  readonly size: number;
  readonly batch: number;
  readonly precision: 'fp32' | 'bf16';
  /** Train what lies behind this cut, from stored activations. */
  readonly cut: string | null;
  readonly threads: number;
  readonly outputs: number;
}

interface Case {
  readonly network: Network;
  readonly batch: number;
  readonly outputs: number;
}

const IMAGES = 64;

async function prepare(options: Prepare, folder: string): Promise<Case> {
  const { net, size, batch, precision, cut, threads, outputs } = options;
  const whole = zooGraph(net, { channels: 3, size, classes: outputs, seed: 1 });
  const graph = poolBeforePointwise(cut === null ? whole : suffixOf(whole, cut));
  const input = cut === null ? await images(folder, size) : await features(folder, graph);
  const network = Network.create({
    graph,
    stages: cut === null ? findStages(graph) : [{ name: 'suffix', nodes: graph.nodes }],
    input,
    device: 'cpu',
    precision,
    threads,
    winograd: true,
    batch,
    loss: 'bce',
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
    normModes: [],
    weightDecay: 0,
    decayAll: false,
    clipNorm: 0,
    memory: 'lean',
    seed: 1,
  });
  return { network, batch, outputs };
}

/** A grey image store of noise, trained on with a random crop's worth of augmentation switched off. */
async function images(folder: string, size: number): Promise<NativeNetworkInput> {
  const random = new RandomStream(2, STREAM.phantom);
  const path = join(folder, 'images.bin');
  await writeFile(
    path,
    Uint8Array.from({ length: IMAGES * size * size }, () => random.integer(256)),
  );
  return {
    kind: 'images',
    images: {
      images: { path, rows: IMAGES, columns: size * size, dtype: 'uint8' },
      size,
      channels: 1,
      outputChannels: 3,
      order: 'RGB',
      scale: 1 / 255,
      mean: Float32Array.of(0.485, 0.456, 0.406),
      std: Float32Array.of(0.229, 0.224, 0.225),
    },
    augment: { ...NO_AUGMENT, flip: 0.5 },
  };
}

/** A feature store of noise at the cut. */
async function features(folder: string, graph: Graph): Promise<NativeNetworkInput> {
  const random = new RandomStream(2, STREAM.phantom);
  const columns = graph.inputShape.reduce((total, part) => total * part, 1);
  const path = join(folder, 'features.bin');
  const values = Float32Array.from({ length: IMAGES * columns }, () => 4 * random.uniform() - 2);
  await writeFile(path, new Uint8Array(values.buffer));
  return {
    kind: 'features',
    features: { path, rows: IMAGES, columns, dtype: 'float32' },
    shape: graph.inputShape,
  };
}

/** Mean seconds of a training step over a short epoch, which is one call. */
async function steps({ network, batch, outputs }: Case, count: number): Promise<{ seconds: number[] }> {
  const random = new RandomStream(3, STREAM.phantom);
  const targets = Float32Array.from({ length: IMAGES * outputs }, () => (random.uniform() < 0.2 ? 1 : 0));
  const order = Uint32Array.from({ length: count * batch }, (_, index) => index % IMAGES);
  const request = {
    order,
    targets,
    learningRates: new Float32Array(count * network.stages.length).fill(1e-3),
    trainedStages: new Uint32Array(count).fill(2 ** network.stages.length - 1),
    epoch: 0,
  };
  const begun = performance.now();
  await network.train(request);
  return { seconds: [(performance.now() - begun) / 1000 / count] };
}

async function forward({ network, batch }: Case, count: number): Promise<{ seconds: number[] }> {
  const rows = Uint32Array.from({ length: count * batch }, (_, index) => index % IMAGES);
  const begun = performance.now();
  await network.infer(rows);
  return { seconds: [(performance.now() - begun) / 1000 / count] };
}

/** Mean seconds of a batch through onnxruntime's CPU provider, with the session options of src/features/session.ts. */
async function onnxruntime(
  { net, size, batch, threads, outputs }: Prepare,
  count: number,
): Promise<{ seconds: number[] }> {
  if (session === undefined) {
    const graph = poolBeforePointwise(zooGraph(net, { channels: 3, size, classes: outputs, seed: 1 }));
    session = await InferenceSession.create(writeOnnx(graph, { batch }), {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      extra: { session: { intra_op: { allow_spinning: '1' } } },
    });
  }
  const random = new RandomStream(1, STREAM.phantom);
  const pixels = Float32Array.from({ length: batch * 3 * size * size }, () => 4 * random.uniform() - 2);
  const feeds = { [session.inputNames[0]!]: new Tensor('float32', pixels, [batch, 3, size, size]) };
  const begun = performance.now();
  for (let index = 0; index < count; index++) await session.run(feeds);
  return { seconds: [(performance.now() - begun) / 1000 / count] };
}

/** Peak resident bytes of this process. */
function memory(): { bytes: number } {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return { bytes: 1024 * Number(line?.[1] ?? 0) };
}

const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
let current: Case | undefined;
let prepared: Prepare | undefined;
let session: InferenceSession | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as { do: string; count: number } & Prepare;
  let answer: object = {};
  if (question.do === 'prepare') {
    prepared = question;
    current = await prepare(question, folder);
    // The weights that were handed in are not held twice.
    globalThis.gc?.();
  } else if (question.do === 'onnxruntime') answer = await onnxruntime(prepared!, question.count);
  else if (question.do === 'steps') answer = await steps(current!, question.count);
  else if (question.do === 'forward') answer = await forward(current!, question.count);
  else answer = memory();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
current?.network.dispose();
await rm(folder, { recursive: true, force: true });
