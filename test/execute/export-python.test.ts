import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HALF_ROUNDING } from '../../src/execute/export-trial.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { largestDifference } from '../model/run-onnx.js';
import { COLOURS, DENSE, exported, GREY, source, testSet, train } from './exported-trials.js';
import { temporaryFolder, tinyConfig } from './tiny-sweep.js';

const timeout = 120_000;

/** False where Python has these modules, else why a test that needs them is skipped. */
function lacking(...modules: readonly string[]): false | string {
  const program = `import importlib.util, sys; sys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))`;
  const { status } = spawnSync('python3', ['-c', program, ...modules]);
  return status === 0 ? false : `needs python3 with ${modules.join(', ')}`;
}

test('onnxruntime in Python gives the same logits, and reads the preprocessing', {
  timeout,
  skip: lacking('numpy', 'onnxruntime'),
}, async (t) => {
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', DENSE, GREY),
    epochs: 1,
    set: ['grid.n=20', 'grid.task=findings', 'grid.strategy=full'],
  });
  const [row] = (await train(config)).values();
  const { out } = await exported(t, config, row!, 'm.onnx');
  const { pixels } = await testSet(config, 'findings');
  const raw = join(temporaryFolder(t), 'pixels.bin');
  writeFileSync(raw, Buffer.concat(pixels));
  const program = `
import json, sys, numpy as np, onnxruntime as ort
session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
model = json.loads(session.get_modelmeta().custom_metadata_map["thaw"])
size, given = model["images"]["size"], model["input"]
pixels = np.fromfile(sys.argv[2], np.uint8).reshape(-1, 1, size, size).astype(np.float32)
images = (pixels * np.float32(given["scale"]) - np.float32(given["mean"][0])) / np.float32(given["std"][0])
print(json.dumps(session.run(None, {"images": images})[0].flatten().tolist()))
`;
  const logits = JSON.parse(
    execFileSync('python3', ['-c', program, out, raw], { encoding: 'utf8' }),
  ) as number[];
  const recorded = await readPredictions(config.out, row!.result.predictions);
  assert.ok(largestDifference(logits, recorded) < HALF_ROUNDING + 1e-4);
});

test('torchvision takes the safetensors of a DenseNet-121 and gives the same logits', {
  timeout,
  skip: lacking('onnxruntime', 'safetensors', 'torch', 'torchvision'),
}, async (t) => {
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', 'architecture: densenet121, randomSeed: 1', COLOURS),
    epochs: 1,
    set: ['grid.n=20', 'grid.task=findings'],
  });
  const [row] = (await train(config)).values();
  const tensors = await exported(t, config, row!, 'm.safetensors');
  const onnx = await exported(t, config, row!, 'm.onnx');
  // torchvision registers fakes for operators of its binary, which this network does not use.
  const program = `
import sys, torch, onnxruntime as ort
from safetensors.torch import load_file
torch.library.register_fake = lambda *_, **__: lambda function: function
torch.library.Library("torchvision", "DEF").define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision.models import densenet121
network = densenet121(num_classes=3)
network.load_state_dict(load_file(sys.argv[1]), strict=True)
images = torch.sin(torch.arange(2 * 3 * 32 * 32)).reshape(2, 3, 32, 32)
with torch.no_grad():
    logits = network.eval()(images)
session = ort.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
print(abs(logits - torch.tensor(session.run(None, {"images": images.numpy()})[0])).max().item(), logits.abs().max().item())
`;
  const printed = execFileSync('python3', ['-c', program, tensors.out, onnx.out], { encoding: 'utf8' });
  const [difference = 1, largest = 0] = printed.trim().split(' ').map(Number);
  assert.ok(difference < 1e-4 * (1 + largest) && largest > 0.01, printed);
});
