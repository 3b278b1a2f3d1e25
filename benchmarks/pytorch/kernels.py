"""The operators of kernels.bench.ts in PyTorch: forward, and forward with gradients.

Called by the benchmark with the number of runs; prints its figures as one line of JSON.
Needs torch and nothing else.
"""

import json
import os
import statistics
import sys
import time

import torch
from torch.nn import functional


def linear(rows, inputs, outputs):
    shapes = [(rows, inputs), (outputs, inputs), (outputs,)]
    return f"linear {rows} x {inputs} x {outputs}", shapes, functional.linear


def attention(name, *shape):
    title = f"attention {name} {' x '.join(map(str, shape))}"
    return title, [shape, shape, shape], functional.scaled_dot_product_attention


def operators():
    ids = torch.arange(616) * 2654435761 % 49408
    targets = torch.softmax(torch.randn(1024, 1024), -1)
    tokens = (8, 197, 3072)
    return [
        linear(1576, 768, 3072),
        linear(1576, 3072, 768),
        linear(788, 384, 1536),
        linear(4096, 256, 256),
        (
            "layerNorm 8 x 197 x 768",
            [(8, 197, 768), (768,), (768,)],
            lambda x, weight, bias: functional.layer_norm(x, (768,), weight, bias, 1e-5),
        ),
        ("gelu 8 x 197 x 3072", [tokens], functional.gelu),
        ("quickGelu 8 x 197 x 3072", [tokens], lambda x: x * torch.sigmoid(1.702 * x)),
        (
            "conv2d 3 x 3, 256 channels, 64 x 64",
            [(1, 256, 64, 64), (256, 256, 3, 3)],
            lambda x, weight: functional.conv2d(x, weight, padding=1),
        ),
        (
            "gridSample 8 x 64 x 64 x 32 at 5440 x 4",
            [(8, 32, 64, 64), (8, 5440, 4, 2)],
            lambda x, grid: functional.grid_sample(x, grid, align_corners=False),
        ),
        (
            "resize 64 x 64 x 32 to 256 x 256",
            [(1, 32, 64, 64)],
            lambda x: functional.interpolate(x, (256, 256), mode="bilinear", align_corners=False),
        ),
        ("gather 616 of 49408 x 512", [(49408, 512)], lambda table: functional.embedding(ids, table)),
        (
            "softmaxCrossEntropy 1024 x 1024",
            [(1024, 1024)],
            lambda logits: functional.cross_entropy(logits, targets, reduction="none"),
        ),
        attention("short", 8, 12, 197, 64),
        attention("windows", 25, 12, 196, 64),
        attention("global", 1, 12, 4096, 64),
    ]


def milliseconds(work, runs):
    times = []
    for run in range(runs + 2):
        start = time.perf_counter()
        work()
        if run >= 2:
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def measure(shapes, run, runs):
    inputs = [(torch.rand(shape) * 2 - 1).requires_grad_() for shape in shapes]

    def forward():
        with torch.no_grad():
            return run(*inputs).sum().item()

    def gradient():
        for value in inputs:
            value.grad = None
        run(*inputs).square().sum().backward()
        return sum(value.grad.sum() for value in inputs).item()

    return {"forwardMs": milliseconds(forward, runs), "gradientMs": milliseconds(gradient, runs)}


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("CLAPS_THREADS", "2")))
    count = int(sys.argv[1])
    print(json.dumps({name: measure(shapes, run, count) for name, shapes, run in operators()}))
