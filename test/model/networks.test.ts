import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findCut, findCuts, prefixOf, suffixOf } from '../../src/model/cut.js';
import type { Graph } from '../../src/model/graph.js';
import { decodeModel, encodeModel } from '../../src/model/onnx-proto.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countParameters } from '../../src/model/shapes.js';
import { findStages } from '../../src/model/stages.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';
import { temporaryFile } from './write-pth.js';

/** Made by golden/networks.py: PyTorch's activations at the stages that the network's author would name. */
interface Golden {
  readonly channels: number;
  readonly size: number;
  readonly parameters: number;
  readonly activations: Record<string, { readonly shape: number[]; readonly values: number[] }>;
}

const folder = fileURLToPath(new URL('golden/networks/', import.meta.url));
const golden = (name: string) => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Golden;
const network = (name: string) => readOnnx(`${folder}${name}.onnx`);
const TOLERANCE = 1e-4;

for (const name of ['resnet', 'cifar-resnet', 'densenet', 'vgg', 'squeezenet']) {
  test(`${name}: prefix at every cut, suffix and whole network equal PyTorch`, async () => {
    const graph = await network(name);
    const { channels, size, activations } = golden(name);
    const inputShape = [2, channels, size, size];
    const image = waves(inputShape);
    const { logits, ...stages } = activations;
    assert.ok(logits !== undefined);
    assert.deepEqual(
      findCuts(graph).map((cut) => cut.name),
      Object.keys(stages),
    );
    const whole = await runOnnx(writeOnnx(graph), image, inputShape);
    assert.ok(largestDifference(whole.values, logits.values) < TOLERANCE, 'whole');
    for (const cut of findCuts(graph)) {
      const expected = stages[cut.name];
      assert.deepEqual([2, ...cut.shape], expected?.shape, cut.name);
      const prefix = await runOnnx(writeOnnx(prefixOf(graph, cut), { batch: 2 }), image, inputShape);
      assert.deepEqual([...prefix.shape], expected?.shape);
      assert.ok(largestDifference(prefix.values, expected?.values ?? []) < TOLERANCE, cut.name);
      if (cut.appends !== 'nothing') continue;
      const suffix = await runOnnx(writeOnnx(suffixOf(graph, cut)), prefix.values, prefix.shape);
      assert.ok(largestDifference(suffix.values, logits.values) < TOLERANCE, `suffix after ${cut.name}`);
    }
  });

  test(`${name}: stages and cuts do not depend on the order or the names of nodes`, async () => {
    const graph = await network(name);
    const outputs = (stages: ReturnType<typeof findStages>, back: ReadonlyMap<string, string>) =>
      stages.map((stage) => ({
        name: stage.name,
        output: back.get(stage.output),
        nodes: stage.nodes.length,
      }));
    const same = new Map(graph.nodes.map(({ output }) => [output, output]));
    const { disguised, back } = disguise(graph);
    assert.deepEqual(outputs(findStages(disguised), back), outputs(findStages(graph), same));
  });
}

test('every node belongs to exactly one stage', async () => {
  const graph = await network('densenet');
  const stages = findStages(graph);
  assert.deepEqual(
    stages.map(({ name }) => name),
    ['stem', 'block1', 'block2', 'block3', 'block4', 'head'],
  );
  const nodes = stages.flatMap((stage) => stage.nodes);
  assert.equal(nodes.length, graph.nodes.length);
  assert.equal(new Set(nodes).size, graph.nodes.length);
});

test('parameters are counted as PyTorch counts them', async () => {
  const graph = await network('resnet');
  assert.equal(countParameters(graph), golden('resnet').parameters);
  const parts = findStages(graph).map(({ nodes }) => countParameters(graph, nodes));
  assert.equal(
    parts.reduce((sum, part) => sum + part, 0),
    golden('resnet').parameters,
  );
});

test('pooled: where the graph lacks the vector it is averaged from the last map, and has no suffix', async () => {
  for (const name of ['vgg', 'squeezenet']) {
    const graph = await network(name);
    const cut = findCut(graph, 'pooled');
    assert.equal(cut.appends, 'global-average-pool');
    assert.throws(() => suffixOf(graph, cut), {
      code: 'MODEL',
      message: /does not work on the pooled vector/,
    });
  }
});

test('a graph that ends at the pooled features has an identity as its suffix', async () => {
  const graph = await network('resnet');
  const features = prefixOf(graph, 'pooled');
  assert.deepEqual(findCuts(features), findCuts(graph));
  assert.deepEqual(findStages(features).at(-1)?.name, 'head');
  assert.deepEqual(
    suffixOf(features, 'pooled').nodes.map(({ op }) => op),
    ['identity'],
  );
});

test('a graph that ends in a map has no head; pooled averages it', async () => {
  const graph = await network('densenet');
  const backbone = prefixOf(graph, 'block4');
  assert.deepEqual(
    findStages(backbone).map(({ name }) => name),
    ['stem', 'block1', 'block2', 'block3', 'block4'],
  );
  assert.equal(findCut(backbone, 'pooled').appends, 'global-average-pool');
});

test('featureTensor moves the end of the trunk', async () => {
  const graph = await network('resnet');
  const { tensor } = findCut(graph, 'block3');
  const cuts = findCuts(graph, { featureTensor: tensor });
  assert.deepEqual(
    cuts.map(({ name }) => name),
    ['stem', 'block1', 'block2', 'block3', 'pooled'],
  );
  assert.deepEqual(cuts.at(-1)?.shape, [12]);
  assert.throws(() => findCuts(graph, { featureTensor: 'nowhere' }), { code: 'MODEL', message: /"nowhere"/ });
});

test('an unknown cut is refused with the list of those there are', async () => {
  const graph = await network('cifar-resnet');
  assert.throws(() => prefixOf(graph, 'block7'), {
    code: 'MODEL',
    message: /no cut "block7".*stem, block1, block2, block3, pooled/,
  });
});

test('a network that pools globally takes any size, one that flattens its map only its own', async () => {
  const resnet = await network('resnet');
  assert.deepEqual(findCut(resnet, 'block4', { inputShape: [3, 96, 96] }).shape, [16, 3, 3]);
  const vgg = await network('vgg');
  assert.throws(() => findCuts(vgg, { inputShape: [3, 64, 64] }), {
    code: 'MODEL',
    message: /linear expects 128 features .*received \[1, 512\]/,
  });
});

/** The same graph with other names, nodes in another valid order. */
function disguise(graph: Graph): { disguised: Graph; back: Map<string, string> } {
  const rename = new Map(
    [graph.input, ...graph.nodes.map(({ output }) => output)].map((name, i) => [
      name,
      `x${(i * 7919) % 10007}`,
    ]),
  );
  const to = (name: string) => rename.get(name) ?? name;
  const left = [...graph.nodes].reverse();
  const made = new Set([graph.input]);
  const nodes: Graph['nodes'][number][] = [];
  while (left.length > 0) {
    const index = left.findIndex((node) => node.inputs.every((tensor) => made.has(tensor)));
    const [node] = left.splice(index, 1);
    assert.ok(node !== undefined);
    made.add(node.output);
    nodes.push({ ...node, name: to(node.output), inputs: node.inputs.map(to), output: to(node.output) });
  }
  const disguised = { ...graph, input: to(graph.input), output: to(graph.output), nodes };
  return { disguised, back: new Map([...rename].map(([name, other]) => [other, name])) };
}

for (const [name, norms] of [
  ['resnet', 29],
  ['densenet', 14],
] as const) {
  test(`${name}: every opset from 9 to 21 is read, with ${norms} batch norms of their own and the others folded`, async () => {
    const original = decodeModel(readFileSync(`${folder}${name}.onnx`), name);
    const separate = original.graph.node.filter(({ opType }) => opType === 'BatchNormalization');
    assert.equal(separate.length, norms);
    const { channels, size, activations } = golden(name);
    const shape = [2, channels, size, size];
    const expected = activations.logits?.values ?? [];
    // Attributes that opset 9 does not know, all of them at their defaults.
    const later = (op: string, attribute: string) =>
      attribute === 'training_mode' || (/Pool/.test(op) && /^(ceil_mode|dilations)$/.test(attribute));
    for (const node of original.graph.node)
      Object.assign(node, { attribute: node.attribute.filter(({ name }) => !later(node.opType, name)) });
    for (let version = 9; version <= 21; version++) {
      Object.assign(original.opsetImport[0]!, { version });
      const path = temporaryFile('model.onnx', encodeModel({ ...original, irVersion: 8 } as never));
      const oracle = await runOnnx(path, waves(shape), shape);
      assert.ok(largestDifference(oracle.values, expected) < TOLERANCE, `onnxruntime, opset ${version}`);
      const received = await runOnnx(writeOnnx(await readOnnx(path)), waves(shape), shape);
      assert.ok(largestDifference(received.values, expected) < TOLERANCE, `opset ${version}`);
    }
  });
}
