"""DenseNet-121 and ResNet-50 in PyTorch: what the training engine has to reproduce.

Run with torch and numpy installed: python networks.py
Writes densenet121.txt and resnet50.txt, read by native/test/golden.cpp. Everything is computed in double precision from
float32 weights and images; lines that start with # say how far PyTorch's own float32 is from that. The networks are
those of bench/peers/networks.py, whose parameter names, outputs and gradients equal torchvision's.

Inputs are numbers of Philox4x32-10 with the key (seed, stream) and the counter (i / 4, 0, k, 0), where i is the element
in row-major order; word = lane i % 4, u = word / 2^32, v = 2u - 1. Values are computed in double precision and rounded
to float32.

  weights  stream 4    k = place of the parameter: in the state dict without num_batches_tracked
           conv weight                      v sqrt(3 / fan-in)     variance 1 / fan-in
           linear weight                    v / sqrt(fan-in)
           batch-norm weight, running_var   0.5 + u
           bias                             v + 1 if v >= 0, else v - 1
           running_mean                     0.1 v
  images   stream 101  k = batch: sqrt(3) v                                [batch, 3, height, width]
  targets  stream 102  k = batch: NaN if u < 0.15, 1 if u < 0.5, else 0    [batch, outputs]
  signs    stream 103  k = place of the parameter: bit 31 - j of the word is set = a minus in projection j = 0 ... 3

The scales make rounding count for little, so that tight tolerances mean something. A rectifier whose input changes its
sign by rounding changes the gradient by a jump, and batch norm over few pixels passes that on enlarged: with biases
near 0 PyTorch's float32 gradients of these networks are 1 % off. So the biases keep most inputs away from 0, the seeds
are those of 1 ... 32 where the smallest input of a rectifier in a pass is farthest from 0, and learning rates are low,
with a weight decay that shows all the same. Convolutions are weaker than He's, as running statistics that do not fit
the activations would let a residual network explode.

A tensor is told by its sketch: its L2 norm and its dot products with the four vectors of signs.
"""

import pathlib
import sys

import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2] / "bench" / "peers"))
from networks import NETWORKS  # noqa: E402

BATCH, SIZE, OUTPUTS = 4, 64, 14
WEIGHTS, IMAGES, TARGETS, SIGNS = 4, 101, 102, 103
STEPS, BATCHES = 20, 5
MODES = ("batch", "frozen", "fixed")
SEEDS = {"densenet121": 4, "resnet50": 18}
DECAYS = {"sgd": 0.1, "adamw": 10.0}
# The peak of the cycle.
RATES = {
    ("densenet121", "sgd"): 1e-3,
    ("densenet121", "adamw"): 2e-5,
    ("resnet50", "sgd"): 3e-5,
    ("resnet50", "adamw"): 5e-6,
}


def philox(count, seed, stream, k):
    """[count] words of 32 bits."""
    blocks = (count + 3) // 4
    low = np.uint64(0xFFFFFFFF)
    counter = [np.arange(blocks, dtype=np.uint64)] + [np.full(blocks, c, np.uint64) for c in (0, k, 0)]
    key = [seed, stream]
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * counter[0]
        product1 = np.uint64(0xCD9E8D57) * counter[2]
        counter = [
            (product1 >> np.uint64(32)) ^ counter[1] ^ np.uint64(key[0]),
            product1 & low,
            (product0 >> np.uint64(32)) ^ counter[3] ^ np.uint64(key[1]),
            product0 & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(counter, 1).reshape(-1)[:count].astype(np.uint32)


def uniform(count, seed, stream, k):
    return philox(count, seed, stream, k) / 4294967296.0


def tensor(values, shape):
    """Rounded to float32, as the engine holds it."""
    return torch.from_numpy(values.astype(np.float32)).view(shape).double()


def initial(name, shape, seed, k):
    u = uniform(int(np.prod(shape)), seed, WEIGHTS, k)
    v = 2 * u - 1
    fan_in = float(np.prod(shape[1:]))
    if len(shape) == 4:
        return tensor(v * np.sqrt(3 / fan_in), shape)
    if len(shape) == 2:
        return tensor(v / np.sqrt(fan_in), shape)
    if name.endswith((".weight", ".running_var")):
        return tensor(0.5 + u, shape)
    return tensor(np.where(v >= 0, v + 1, v - 1) if name.endswith(".bias") else 0.1 * v, shape)


def images(seed, batch):
    v = 2 * uniform(BATCH * 3 * SIZE * SIZE, seed, IMAGES, batch) - 1
    return tensor(np.sqrt(3) * v, (BATCH, 3, SIZE, SIZE))


def targets(seed, batch):
    u = uniform(BATCH * OUTPUTS, seed, TARGETS, batch)
    return tensor(np.where(u < 0.15, np.nan, np.where(u < 0.5, 1.0, 0.0)), (BATCH, OUTPUTS))


def parameters(network):
    """All numbers of a network in the engine's order, running statistics included."""
    return {name: value for name, value in network.state_dict().items() if "num_batches_tracked" not in name}


class Sketches:
    """Norms and projections of the tensors of one network."""

    def __init__(self, kind):
        named = parameters(build(kind, "batch", torch.float64))
        self.places = {name: k for k, name in enumerate(named)}
        self.signs = [self.draw(value.numel(), SEEDS[kind], k) for k, value in enumerate(named.values())]

    @staticmethod
    def draw(count, seed, k):
        """[4, count] of -1 and 1"""
        words = philox(count, seed, SIGNS, k)
        bits = np.stack([(words >> np.uint32(31 - j)) & np.uint32(1) for j in range(4)])
        return torch.from_numpy(1 - 2 * bits.astype(np.int8))

    def of(self, name, value):
        """[5]: norm, projections"""
        flat = value.detach().double().flatten()
        projections = [(flat * sign).sum().item() for sign in self.signs[self.places[name]]]
        return np.array([flat.norm().item(), *projections])

    def rows(self, values):
        """{place: sketch} of tensors by name"""
        return {self.places[name]: self.of(name, value) for name, value in values.items()}


def build(kind, mode, dtype):
    network = NETWORKS[kind](3, OUTPUTS)
    with torch.no_grad():
        for k, (name, value) in enumerate(parameters(network).items()):
            value.copy_(initial(name, tuple(value.shape), SEEDS[kind], k))
    network.to(dtype).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and mode != "batch":
            module.eval()
            module.requires_grad_(mode == "frozen")
    return network


def masked_loss(logits, wanted):
    """Binary cross-entropy with logits, mean over the labels that are known."""
    known = ~wanted.isnan()
    return nn.functional.binary_cross_entropy_with_logits(logits[known], wanted[known])


def one_pass(kind, mode, sketches, dtype=torch.float64):
    """Forward and backward pass of batch 0; `batch` mode moves the running averages."""
    network = build(kind, mode, dtype)
    logits = network(images(SEEDS[kind], 0).to(dtype))
    loss = masked_loss(logits, targets(SEEDS[kind], 0).to(dtype))
    loss.backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    running = {name: value for name, value in parameters(network).items() if "running" in name and mode == "batch"}
    return {
        "logits": logits.detach().double().flatten().numpy(),
        "loss": np.array([loss.item()]),
        "gradients": sketches.rows(gradients),
        "statistics": sketches.rows(running),
    }


def optimizer_of(kind, optimizer, network):
    """Weight decay on the weights of convolutions and linear layers only."""
    learned = list(network.parameters())
    groups = [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": DECAYS[optimizer]},
        {"params": [p for p in learned if p.dim() == 1], "weight_decay": 0.0},
    ]
    rate = RATES[kind, optimizer]
    if optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8)


def train(kind, mode, optimizer_kind, sketches, dtype=torch.float64):
    """STEPS steps, step t on batch t % BATCHES; losses are those before each step, momenta are beta1 for AdamW."""
    network = build(kind, mode, dtype)
    optimizer = optimizer_of(kind, optimizer_kind, network)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATES[kind, optimizer_kind], total_steps=STEPS)
    data = [(images(SEEDS[kind], k).to(dtype), targets(SEEDS[kind], k).to(dtype)) for k in range(BATCHES)]
    rates, momenta, losses = [], [], []
    for step in range(STEPS):
        group = optimizer.param_groups[0]
        rates.append(group["lr"])
        momenta.append(group["momentum"] if optimizer_kind == "sgd" else group["betas"][0])
        pixels, wanted = data[step % BATCHES]
        optimizer.zero_grad()
        loss = masked_loss(network(pixels), wanted)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step + 1 < STEPS:
            cycle.step()
    moved = {name: v for name, v in parameters(network).items() if mode == "batch" or "running" not in name}
    return {
        "decay": np.array([DECAYS[optimizer_kind]]),
        "rates": np.array(rates),
        "momenta": np.array(momenta),
        "losses": np.array(losses),
        "final": sketches.rows(moved),
    }


def distance(received, expected):
    """Sketches: differences relative to the norm, the worst tensor's and the median; numbers: the largest difference
    relative to the largest number."""
    if isinstance(expected, dict):
        differences = [np.abs(received[k] - row).max() / row[0] for k, row in expected.items()]
        return f"{max(differences):.1e} (median {np.median(differences):.1e})" if differences else "none"
    return f"{np.abs(received - expected).max() / np.abs(expected).max():.1e}"


def line(numbers):
    return " ".join(f"{x:.9g}" for x in numbers)


def section(title, values, single):
    """Every entry is its name, its count, and its numbers; a sketch is a line of its own behind its place."""
    compared = [key for key in values if key not in ("decay", "rates", "momenta")]
    yield title
    yield "# float32: " + ", ".join(f"{key} {distance(single[key], values[key])}" for key in compared)
    for key, value in values.items():
        yield f"{key} {len(value)}"
        if isinstance(value, dict):
            yield from (f"{k} {line(row)}" for k, row in value.items())
        else:
            yield line(value)


def fixture(kind):
    sketches = Sketches(kind)
    named = parameters(build(kind, "batch", torch.float64))
    pixels, wanted = images(SEEDS[kind], 0), targets(SEEDS[kind], 0)
    yield "# Written by networks.py"
    yield f"network {kind}"
    yield f"seed {SEEDS[kind]}"
    yield f"shape {BATCH} 3 {SIZE} {SIZE} {OUTPUTS}"
    yield f"batches {BATCHES}"
    yield f"sum {line([pixels.sum().item(), wanted.isnan().sum().item(), wanted.nansum().item()])}"
    yield f"parameters {len(named)}"
    for name, value in named.items():
        yield f"{name} {value.dim()} {' '.join(map(str, value.shape))}"
    yield f"initial {len(named)}"
    yield from (f"{k} {line(row)}" for k, row in sketches.rows(named).items())
    for mode in MODES:
        single = one_pass(kind, mode, sketches, torch.float32)
        yield from section(f"pass {mode}", one_pass(kind, mode, sketches), single)
    for mode in MODES[:2]:
        for optimizer in DECAYS:
            single = train(kind, mode, optimizer, sketches, torch.float32)
            yield from section(f"train {mode} {optimizer}", train(kind, mode, optimizer, sketches), single)
    yield "end"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for kind in NETWORKS:
        (FOLDER / f"{kind}.txt").write_text("\n".join(fixture(kind)) + "\n")
