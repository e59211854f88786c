import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { Network } from '../../src/engine/network.js';
import type { Graph } from '../../src/model/graph.js';
import { findStages } from '../../src/model/stages.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { fileOf } from './bank.js';

const SIZE = 64;
const skip = skipWithout('data/nih1000');

interface Radiographs {
  readonly path: string;
  readonly rows: number;
  /** [rows] 1 = some finding. */
  readonly targets: Float32Array;
}

/** As many radiographs with a finding as without, from the first ones in the folder's order on. */
async function radiographs(first: number, count: number): Promise<Radiographs> {
  const root = sharedPath('data/nih1000') ?? '';
  const table = gunzipSync(readFileSync(join(root, 'Data_Entry_2017_v2020.csv.gz'))).toString('utf8');
  const findings = new Map(table.split('\n').map((line) => line.split(',', 2) as [string, string]));
  const files = readdirSync(join(root, 'images')).sort();
  const healthy = (file: string) => findings.get(file) === 'No Finding';
  const chosen = [
    ...files.filter(healthy).slice(first, first + count / 2),
    ...files.filter((file) => !healthy(file)).slice(first, first + count / 2),
  ];
  const pixels = await Promise.all(
    chosen.map((file) =>
      sharp(join(root, 'images', file))
        .resize(SIZE, SIZE)
        .greyscale()
        .removeAlpha()
        .raw()
        .toBuffer(),
    ),
  );
  const targets = Float32Array.from(chosen, (file) => (healthy(file) ? 0 : 1));
  return { path: fileOf(new Uint8Array(Buffer.concat(pixels))), rows: count, targets };
}

function networkOn(graph: Graph, { path, rows }: Radiographs): Network {
  return Network.create({
    graph,
    stages: findStages(graph),
    input: {
      kind: 'images',
      images: {
        images: { path, rows, columns: SIZE * SIZE, dtype: 'uint8' },
        size: SIZE,
        channels: 1,
        outputChannels: 1,
        order: 'RGB',
        scale: 1 / 255,
        mean: Float32Array.of(0.5),
        std: Float32Array.of(0.25),
      },
      augment: NO_AUGMENT,
    },
    device: 'cpu',
    precision: 'fp32',
    threads: 2,
    winograd: true,
    batch: 16,
    loss: 'bce',
    optimizer: { kind: 'adam', momentum: 0.9, nesterov: false, beta2: 0.999, epsilon: 1e-8 },
    normModes: [],
    weightDecay: 0,
    decayAll: false,
    clipNorm: 0,
    memory: 'lean',
    seed: 1,
  });
}

/** Part of the pairs of one image with and one without a finding that the logits order right. */
function auroc(logits: Float32Array, targets: Float32Array): number {
  let right = 0;
  let pairs = 0;
  for (const [i, a] of logits.entries())
    for (const [j, b] of logits.entries()) {
      if (targets[i] !== 1 || targets[j] !== 0) continue;
      pairs++;
      right += a > b ? 1 : a === b ? 0.5 : 0;
    }
  return right / pairs;
}

/** Trains until the images are told apart, at most `epochs` times; resolves to the AUROC on them. */
async function overfit(network: Network, { rows, targets }: Radiographs, epochs: number): Promise<number> {
  const all = Uint32Array.from({ length: rows }, (_, row) => row);
  const stages = network.stages.length;
  const steps = Math.ceil(rows / 16);
  let area = 0;
  for (let epoch = 0; epoch < epochs && area < 1; epoch++) {
    await network.train({
      order: new RandomStream(1, STREAM.sampleOrder, epoch).shuffle(all.slice()),
      targets,
      learningRates: new Float32Array(steps * stages).fill(1e-3),
      trainedStages: new Uint32Array(steps).fill(2 ** stages - 1),
      epoch,
    });
    if (epoch % 4 === 3) area = auroc(await network.infer(all), targets);
  }
  return area;
}

for (const architecture of ['densenet121', 'resnet18']) {
  test(`${architecture} learns 32 radiographs by heart, from random weights and from a source`, {
    skip,
  }, async () => {
    const few = await radiographs(0, 32);
    const graph = zooGraph(architecture, { channels: 1, size: SIZE, classes: 1, seed: 3 });
    await using scratch = networkOn(graph, few);
    assert.equal(await overfit(scratch, few, 60), 1, 'from random weights');

    // A source of the same site: other radiographs, and then another head.
    const others = await radiographs(16, 64);
    await using source = networkOn(graph, others);
    await overfit(source, others, 4);
    const weights = source.weights();
    const head = new Set(
      findStages(graph)
        .at(-1)
        ?.nodes.flatMap((node) => ('weight' in node ? [node.weight] : [])),
    );
    const parameters = new Map(
      [...graph.parameters].map(([name, { shape, data }]) => {
        return [name, { shape, data: head.has(name) ? data : weights.get(name)! }];
      }),
    );
    await using tuned = networkOn({ ...graph, parameters }, few);
    assert.equal(await overfit(tuned, few, 60), 1, 'from a source');
  });
}
