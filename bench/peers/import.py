"""The Python side of `bench/import.ts`: opens a model file once.

Run as: python import.py pth|onnx FILE
Prints {"milliseconds": 120.0, "megabytes": 70.0}: torch.load or onnx.load alone, without checks, a network or shapes; peak of the
process above what it held after its imports. Prints {} where the package is not installed.
"""

import json
import resource
import sys
import time


def resident_bytes():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def main(kind, file):
    try:
        if kind == "pth":
            import torch

            read = lambda: torch.load(file, weights_only=True, map_location="cpu")
        else:
            import onnx

            read = lambda: onnx.load(file)
    except ImportError:
        return {}
    before = resident_bytes()
    begun = time.perf_counter()
    kept = read()
    milliseconds = 1000 * (time.perf_counter() - begun)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del kept
    return {"milliseconds": milliseconds, "megabytes": (peak - before) / 1e6}


print(json.dumps(main(*sys.argv[1:])))
