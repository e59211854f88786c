"""The PyTorch side of `bench/extract.ts`.

Networks are written in plain torch (random weights, evaluation mode, up to the pooled features). Commands are JSON
lines on stdin, answers are JSON lines on stdout:

  {"do": "export", "net": "densenet121", "path": "x.onnx", "batch": 16, "size": 224}  ->  {"shape": [1024]}
  {"do": "forward", "net": "densenet121", "images": 160, "batch": 16, "size": 224, "threads": 2}  ->  {"seconds": 8.1}
"""

import json
import sys
import time
import warnings

import torch
from networks import NETWORKS, randomise


def build(name, built={}):
    if name not in built:
        built[name] = randomise(NETWORKS[name]()).eval()
    return built[name]


def export(net, path, batch, size):
    model = build(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, torch.zeros(batch, 3, size, size), path, dynamo=False, input_names=["image"], output_names=["pooled"]
        )
    return {"shape": [model.width]}


def forward(net, images, batch, size, threads):
    torch.set_num_threads(threads)
    model = build(net).to(memory_format=torch.channels_last)
    batches = [
        torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last) for _ in range(images // batch)
    ]
    with torch.inference_mode():
        model(batches[0])
        start = time.perf_counter()
        for pixels in batches:
            model(pixels)
        return {"seconds": time.perf_counter() - start}


for line in sys.stdin:
    command = json.loads(line)
    work = {"export": export, "forward": forward}[command.pop("do")]
    print(json.dumps(work(**command)), flush=True)
