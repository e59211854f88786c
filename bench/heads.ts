import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { RandomStream, STREAM } from '../src/base/random.js';
import type { NativeHeadBankOptions, NativeMatrixFile } from '../src/engine/addon.js';
import { HeadBank } from '../src/engine/head-bank.js';

export interface BenchResult {
  readonly bench: 'heads';
  readonly case: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly unit: string;
}

interface BankCase {
  readonly name: string;
  readonly heads: number;
  readonly outputs: number;
  /** Training rows: N of the experiment. */
  readonly rows: number;
  readonly optimizer: 'adam' | 'sgd';
  readonly dtype: 'float32' | 'float16';
}

const FEATURES = 1024;
const BATCH = 32;
const DROPOUT = 0.5;
const THREADS = 2;
const ROUNDS = 7;
/** Seconds that PyTorch trains in one round. */
const PEER_SECONDS = 1;

const cases: readonly BankCase[] = [
  { name: '256x14x1024', heads: 256, outputs: 14, rows: 2000, optimizer: 'adam', dtype: 'float32' },
  { name: 'binary-256x1x1024', heads: 256, outputs: 1, rows: 2000, optimizer: 'adam', dtype: 'float32' },
  { name: 'sgd-256x14x1024', heads: 256, outputs: 14, rows: 2000, optimizer: 'sgd', dtype: 'float32' },
  { name: 'n50-256x14x1024', heads: 256, outputs: 14, rows: 50, optimizer: 'adam', dtype: 'float32' },
  { name: 'float16-256x14x1024', heads: 256, outputs: 14, rows: 2000, optimizer: 'adam', dtype: 'float16' },
];

/**
 * Training of linear heads: microseconds a head-step (one optimizer step of one head, wall) of a bank against the same
 * heads one after another in PyTorch on the same number of threads, both sides taking turns; then the memory of a bank on
 * a large feature store, and how far PyTorch's weights and the bank's are apart where dropout is off.
 */
export async function* run(options: { peerPython: string | undefined }): AsyncIterable<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  const peer = options.peerPython === undefined ? undefined : new Peer(options.peerPython);
  try {
    for (const one of cases) yield await againstPyTorch(folder, one, peer);
    yield await storeMemory(folder);
    if (peer !== undefined) yield await equality(folder, peer);
  } finally {
    peer?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A Python process that answers one JSON line with another. */
class Peer {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(python: string) {
    const script = fileURLToPath(new URL('peers/heads.py', import.meta.url));
    this.child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<T>(command: Record<string, unknown>): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.answers.next();
    if (done === true) throw new Error(`the Python peer ended during ${String(command.do)}`);
    return JSON.parse(value) as T;
  }

  close(): void {
    this.child.stdin!.end();
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

function result(name: string, unit: string, ours: number, peer: number | null): BenchResult {
  const digits = (value: number) => Number(value.toPrecision(4));
  const ratio = peer === null ? null : digits(peer / ours);
  return {
    bench: 'heads',
    case: name,
    ours: digits(ours),
    peer: peer === null ? null : digits(peer),
    ratio,
    unit,
  };
}

async function againstPyTorch(folder: string, one: BankCase, peer: Peer | undefined): Promise<BenchResult> {
  const { name, outputs, optimizer, dtype } = one;
  const bank = HeadBank.create(await bankOptions(folder, one));
  const steps = one.heads * Math.ceil(one.rows / BATCH);
  // As many epochs a round as take about a quarter of a second.
  const epochs = Math.max(1, Math.round(0.25 / (steps * 13e-6)));
  const ours: number[] = [];
  const theirs: number[] = [];
  let peerSteps = 100;
  if (peer !== undefined) {
    const half = dtype === 'float16';
    const shape = { outputs, features: FEATURES, rows: one.rows, batch: BATCH };
    await peer.ask({ do: 'prepare', ...shape, optimizer, dropout: DROPOUT, half, threads: THREADS });
    const { seconds } = await peer.ask<{ seconds: number }>({ do: 'train', steps: peerSteps });
    peerSteps = Math.ceil((PEER_SECONDS / seconds) * peerSteps);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await bank.train(epochs);
    ours.push(((performance.now() - started) * 1000) / (steps * epochs));
    if (peer === undefined) continue;
    const answer = await peer.ask<{ seconds: number; steps: number }>({ do: 'train', steps: peerSteps });
    theirs.push((answer.seconds * 1e6) / answer.steps);
  }
  bank.dispose();
  return result(name, 'us/head-step', median(ours), peer === undefined ? null : median(theirs));
}

async function bankOptions(folder: string, one: BankCase): Promise<NativeHeadBankOptions> {
  const { heads, outputs, rows, dtype } = one;
  const steps = Math.ceil(rows / BATCH);
  const epochs = ROUNDS * Math.max(1, Math.round(0.25 / (heads * steps * 13e-6)));
  const random = new RandomStream(1, STREAM.phantom);
  const rates = new Float32Array(epochs * steps).fill(1e-3);
  const order = new Uint32Array(epochs * rows);
  for (let epoch = 0; epoch < epochs; epoch++) {
    order.set(random.shuffle(Uint32Array.from({ length: rows }, (_, i) => i)), epoch * rows);
  }
  return {
    features: await featureFile(folder, rows, dtype),
    outputs,
    targets: Float32Array.from({ length: rows * outputs }, () => (random.uniform() < 0.2 ? 1 : 0)),
    loss: 'bce',
    batch: BATCH,
    optimizer: { kind: one.optimizer, momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
    groups: [{ order, rowsPerEpoch: rows, validationRows: new Uint32Array(0), standardize: false }],
    heads: Array.from({ length: heads }, (_, seed) => ({
      group: 0,
      seed,
      dropout: DROPOUT,
      weightDecay: 0,
      learningRates: rates,
    })),
    select: 'loss',
    threads: THREADS,
  };
}

/** Random features in [−1, 1), written block by block. */
async function featureFile(
  folder: string,
  rows: number,
  dtype: 'float32' | 'float16',
): Promise<NativeMatrixFile> {
  const path = join(folder, `${rows}-${dtype}.bin`);
  const blockRows = Math.min(rows, 2000);
  const random = new RandomStream(2, STREAM.phantom);
  const values = Float32Array.from({ length: blockRows * FEATURES }, () => 2 * random.uniform() - 1);
  // Halves: any bit pattern of a number in [−1, 1).
  const halves = Uint16Array.from(
    values,
    (value) => (value < 0 ? 0x8000 : 0) | Math.floor(Math.abs(value) * 0x3c00),
  );
  const bytes = new Uint8Array((dtype === 'float32' ? values : halves).buffer);
  const file = createWriteStream(path);
  for (let done = 0; done < rows; done += blockRows) {
    const part = (bytes.length / blockRows) * Math.min(blockRows, rows - done);
    if (!file.write(bytes.subarray(0, part))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
  return { path, rows, columns: FEATURES, dtype };
}

/** Peak of what a bank of 64 heads takes beside the mapped features, over one epoch of 77,880 rows. */
async function storeMemory(folder: string): Promise<BenchResult> {
  const one: BankCase = { ...cases[0]!, heads: 64, rows: 77_880 };
  const options = await bankOptions(folder, one);
  const before = await anonymousMemory();
  const bank = HeadBank.create(options);
  let peak = 0;
  const timer = setInterval(() => void anonymousMemory().then((bytes) => (peak = Math.max(peak, bytes))), 20);
  await bank.train(1);
  peak = Math.max(peak, await anonymousMemory());
  clearInterval(timer);
  bank.dispose();
  await rm(options.features.path);
  return result('store-77880x1024x64', 'MB beside the mapping', (peak - before) / 2 ** 20, null);
}

/** Resident bytes of this process that are no file's pages. */
async function anonymousMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(status)?.[1];
  return anonymous === undefined ? process.memoryUsage.rss() : Number(anonymous) * 1024;
}

/** Largest difference of the weights after 189 Adam steps without dropout, relative to the largest weight. */
async function equality(folder: string, peer: Peer): Promise<BenchResult> {
  const one: BankCase = { ...cases[0]!, heads: 1 };
  const options = await bankOptions(folder, one);
  const epochs = 3;
  const rate = 0.0009765625;
  const { groups, heads, features, targets, outputs } = options;
  const order = groups[0]!.order.slice(0, epochs * one.rows);
  const steps = epochs * Math.ceil(one.rows / BATCH);
  const head = { ...heads[0]!, dropout: 0, learningRates: new Float32Array(steps).fill(rate) };
  const bank = HeadBank.create({ ...options, groups: [{ ...groups[0]!, order }], heads: [head] });
  const start = bank.weights(0, 'last');
  await bank.train(epochs);
  const ours = bank.weights(0, 'last');
  bank.dispose();
  const theirs = await peer.ask<{ weight: number[]; bias: number[] }>({
    do: 'equal',
    path: features.path,
    rows: one.rows,
    features: FEATURES,
    outputs,
    targets: [...targets],
    order: [...order],
    batch: BATCH,
    weight: [...start.weight],
    bias: [...start.bias],
    rate,
    threads: THREADS,
  });
  const scale = theirs.weight.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = theirs.weight.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (ours.weight[i] as number))),
    0,
  );
  return result('equality', 'relative difference of weights', difference / scale, null);
}
