"""The PyTorch side of `bench/train.ts`: training steps and forward passes of a randomly initialised network.

Commands are JSON lines on stdin, answers are JSON lines on stdout. A process serves one case, so that its memory is
that of the case:

  {"do": "prepare", "case": "densenet121-224", "net": "densenet121", "size": 224, "batch": 16, "precision": "fp32",
   "layout": "channels_last", "cut": null, "threads": 2, "outputs": 14}
      ->  {"case": "densenet121-224", "parameters": 6968206, "input": [16, 3, 224, 224]}
  {"do": "steps", "count": 5}    ->  {"seconds": [2.1, 1.9, ...]}   forward, loss, backward and update, each step
  {"do": "forward", "count": 5}  ->  {"seconds": [0.8, 0.8, ...]}   evaluation mode without autograd, each batch
  {"do": "memory"}  ->  {"bytes": 2914000000, "imported": 310000000}   peak of the process (VmHWM); peak after imports

`net` is a key of networks.NETWORKS; `precision` is fp32, or bf16 by autocast with float32 weights; `layout` is
channels_last or nchw. `cut` null trains the whole network. A cut trains what lies behind it, from random activations
that stand for cached ones: `block3` is what enters the last block, behind DenseNet's transition3 or ResNet's layer3.
Any other child of the features (DenseNet) or the network (ResNet) can be named: behind `denseblock3`, where thaw's own
cut `block3` lies, the suffix begins with the transition. The first step or batch makes oneDNN's primitives: leave it
out of a median.
"""

import json
import sys
import time

import torch
from networks import NETWORKS, randomise
from torch import nn

CUTS = {("densenet121", "block3"): "transition3", ("resnet50", "block3"): "layer3"}
BATCHES = 2


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


class Case:
    def __init__(self, case, net, size, batch, precision, layout, cut, threads, outputs):
        torch.set_num_threads(threads)
        self.name = case
        self.half = {"fp32": False, "bf16": True}[precision]
        memory = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}[layout]
        # Without numbers first, so that the memory of a suffix is not that of the whole network.
        with torch.device("meta"):
            network = NETWORKS[net](3, outputs)
            shape = [3, size, size]
            if cut is not None:
                child = CUTS.get((net, cut), cut)
                shape = shape_behind(network, child, size)
                network = network.after(child)
        self.network = fill(network).to(memory_format=memory)
        self.inputs = [self.inputs_of([batch, *shape], memory) for _ in range(BATCHES)]
        self.targets = [(torch.rand(batch, outputs) < 0.2).float() for _ in range(BATCHES)]
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9, fused=True)
        self.criterion = nn.BCEWithLogitsLoss()

    def inputs_of(self, shape, memory):
        """Images are float32; cached activations of a bf16 network are bf16."""
        values = torch.randn(shape, dtype=torch.bfloat16 if self.half and shape[1] != 3 else torch.float32)
        return values.contiguous(memory_format=memory)

    def answer(self):
        count = sum(p.numel() for p in self.network.parameters())
        return {"case": self.name, "parameters": count, "input": list(self.inputs[0].shape)}

    def logits(self, index):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.half):
            return self.network(self.inputs[index % BATCHES]).float()

    def step(self, index):
        self.optimizer.zero_grad(set_to_none=True)
        self.criterion(self.logits(index), self.targets[index % BATCHES]).backward()
        self.optimizer.step()

    def steps(self, count):
        self.network.train()
        return {"seconds": [seconds(self.step, index) for index in range(count)]}

    def forward(self, count):
        self.network.eval()
        with torch.inference_mode():
            return {"seconds": [seconds(self.logits, index) for index in range(count)]}


def shape_behind(network, child, size):
    """[C, H, W] of what `child` makes of an image."""
    shapes = []
    module = getattr(network, "features", network).get_submodule(child)
    hook = module.register_forward_hook(lambda _module, _inputs, output: shapes.append(output.shape[1:]))
    network(torch.empty(2, 3, size, size))
    hook.remove()
    return list(shapes[0])


def fill(network):
    """Random numbers for a network that has none yet."""
    network.to_empty(device="cpu")
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return randomise(network)


def seconds(work, index):
    start = time.perf_counter()
    work(index)
    return time.perf_counter() - start


imported = peak_bytes()
case = None
for line in sys.stdin:
    command = json.loads(line)
    work = command.pop("do")
    if work == "prepare":
        if case is not None:
            raise SystemExit("one process serves one case")
        case = Case(**command)
        answer = case.answer()
    elif work == "memory":
        answer = {"bytes": peak_bytes(), "imported": imported}
    else:
        answer = {"steps": case.steps, "forward": case.forward}[work](**command)
    print(json.dumps(answer), flush=True)
