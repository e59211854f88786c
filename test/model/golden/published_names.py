"""What torchvision's networks call their tensors, and how large they are: published-names.json.

Run with torch and torchvision installed: python published_names.py
For each network: the number of parameters, the number of tensors of its state dict (without the counters of batch norms), and
the SHA-256 of the lines "name length,length,..." in their order.
"""

import hashlib
import json
import pathlib

import torch

# torchvision registers fakes for operators of its binary, which these networks do not use.
torch.library.register_fake = lambda *_, **__: lambda function: function
torch.library.Library("torchvision", "DEF").define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import models  # noqa: E402

NAMES = ["squeezenet1_1", *(f"densenet{d}" for d in (121, 161, 169, 201)), *(f"resnet{d}" for d in (18, 34, 50, 101, 152))]

golden = {}
for name in NAMES:
    network = getattr(models, name)(weights=None)
    state = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    lines = "".join(f"{key} {','.join(map(str, value.shape))}\n" for key, value in state.items())
    golden[name] = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "tensors": len(state),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
path = pathlib.Path(__file__).parent / "published-names.json"
path.write_text(json.dumps(golden, indent=1) + "\n")
