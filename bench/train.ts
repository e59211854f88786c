import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BenchLine, BenchOptions } from './bench.js';
import { JsonProcess, peerScript } from './json-process.js';
import { nativeProgram } from './native-program.js';

interface TrainCase {
  readonly name: string;
  readonly net: string;
  readonly size: number;
  readonly precision: 'fp32' | 'bf16';
  /** Ours and the peer's name of the place that the cached activations come from. */
  readonly cut?: readonly [ours: string, peer: string];
}

const whole = (net: string, size: number): TrainCase[] =>
  (['fp32', 'bf16'] as const).map((precision) => ({
    name: `${net}-${size}-${precision}`,
    net,
    size,
    precision,
  }));
const CASES: readonly TrainCase[] = [
  ...whole('densenet121', 224),
  ...whole('resnet50', 224),
  ...whole('densenet121', 64),
  ...(['fp32', 'bf16'] as const).map(
    (precision): TrainCase => ({
      name: `densenet121-224-last-block-${precision}`,
      net: 'densenet121',
      size: 224,
      precision,
      cut: ['block3', 'denseblock3'],
    }),
  ),
];
const BATCH = 16;
const OUTPUTS = 14;
const ROUNDS = 6;
const THREADS = availableParallelism();

/**
 * Training steps (forward, loss, backward, SGD with momentum; batch 16; ours with batch assembly from an image or feature
 * store) and evaluation passes in images a second, against PyTorch on the same threads: its channels-last and its contiguous
 * layout both run, the faster one counts; bf16 is autocast. Each side is a process of its own; they take turns, and medians
 * over the turns are compared. Memory is the peak of either process over the training steps. `arithmetic` compares the rate of
 * the convolutions' arithmetic over the whole step with that of oneDNN doing nothing but them, each alone at its fastest.
 * `THAW_BENCH_CASES` = a part of the names of the cases to run.
 */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  if (peerPython === undefined) return;
  const program = nativeProgram('bench_network');
  const wanted = process.env.THAW_BENCH_CASES ?? '';
  for (const trained of CASES)
    if (trained.name.includes(wanted)) yield* compare(trained, peerPython, program);
}

function ourSide(): JsonProcess {
  const script = fileURLToPath(new URL('train-side.ts', import.meta.url));
  return new JsonProcess(process.execPath, ['--expose-gc', '--import', 'tsx', script]);
}

async function* compare(trained: TrainCase, python: string, program: string): AsyncIterable<BenchLine> {
  const { name, net, size, precision, cut } = trained;
  const ours = ourSide();
  const peers = ['channels_last', 'nchw'].map((layout) => {
    return { layout, process: new JsonProcess(python, [peerScript('train.py')]) };
  });
  const question = {
    do: 'prepare',
    case: name,
    net,
    size,
    batch: BATCH,
    precision,
    threads: THREADS,
    outputs: OUTPUTS,
  };
  try {
    await ours.ask({ ...question, cut: cut?.[0] ?? null });
    for (const { layout, process } of peers)
      await process.ask({ ...question, layout, cut: cut?.[1] ?? null });
    const sides = [ours, ...peers.map(({ process }) => process)];
    const training = await alternate(sides, 'steps');
    const memories: number[] = [];
    for (const side of sides) memories.push((await side.ask<{ bytes: number }>({ do: 'memory' })).bytes);
    yield line(name, training);
    const [own = 0, last = 0, contiguous = 0] = memories;
    const peer = Math.min(last, contiguous);
    yield { bench: 'train', case: `${name} memory`, ours: own, peer, ratio: peer / own, unit: 'bytes' };
    if (cut !== undefined) return;
    yield arithmetic(trained, training[0]!, program);
    yield line(`${name} forward`, await alternate(sides, 'forward'));
    if (precision === 'fp32')
      yield line(`${name} forward vs onnxruntime`, await againstOnnxruntime(question));
  } finally {
    for (const side of [ours, ...peers.map(({ process }) => process)]) await side.close();
  }
}

/** Share of the arithmetic limit. */
function arithmetic(
  { name, net, size, precision }: TrainCase,
  stepSeconds: number,
  program: string,
): BenchLine {
  const words = [net, size, precision, BATCH, THREADS, 'limit'].map(String);
  const printed = execFileSync(program, words, { encoding: 'utf8' });
  const { flop, seconds } = JSON.parse(printed) as { flop: number; seconds: number };
  const ratio = seconds / stepSeconds;
  return {
    bench: 'train',
    case: `${name} arithmetic`,
    ours: flop / stepSeconds / 1e9,
    peer: flop / seconds / 1e9,
    ratio,
    unit: 'GFLOP/s',
  };
}

/** Seconds a batch, ours and onnxruntime's, each in a process of its own. */
async function againstOnnxruntime(question: object): Promise<number[]> {
  const sides = [ourSide(), ourSide()];
  try {
    for (const side of sides) await side.ask({ ...question, cut: null });
    return await alternateAs(sides, ['forward', 'onnxruntime']);
  } finally {
    for (const side of sides) await side.close();
  }
}

/** Seconds a step of each side: medians over the rounds, of the mean of a round's steps; the first round warms up. */
function alternate(sides: readonly JsonProcess[], what: 'steps' | 'forward'): Promise<number[]> {
  return alternateAs(
    sides,
    sides.map(() => what),
  );
}

async function alternateAs(sides: readonly JsonProcess[], what: readonly string[]): Promise<number[]> {
  const seconds = sides.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++)
    for (const [index, side] of sides.entries()) {
      const answer = await side.ask<{ seconds: number[] }>({ do: what[index], count: 4 });
      if (round > 0)
        seconds[index]!.push(answer.seconds.reduce((sum, part) => sum + part) / answer.seconds.length);
    }
  return seconds.map(median);
}

function line(name: string, [own = 0, ...peers]: readonly number[]): BenchLine {
  const ours = BATCH / own;
  const peer = BATCH / Math.min(...peers);
  return { bench: 'train', case: name, ours, peer, ratio: ours / peer, unit: 'images/s' };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
