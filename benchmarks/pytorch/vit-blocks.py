"""The transformer blocks of vit-blocks.bench.ts in PyTorch: forward, training step, peak memory.

Called by the benchmark with a width and a batch; prints its figures as one line of JSON.
Needs torch and nothing else.
"""

import json
import os
import resource
import statistics
import sys
import time

import torch
from torch.nn import functional

BLOCKS, TOKENS, HEAD_WIDTH = 4, 197, 64


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.norm1 = torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        joint = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, HEAD_WIDTH)
        query, key, value = joint.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        hidden = self.up(self.norm2(x))
        return x + self.down(hidden * torch.sigmoid(1.702 * hidden))


def measure(width, batch, runs):
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("CLAPS_THREADS", "2")))
    model = torch.nn.Sequential(*[Block(width) for _ in range(BLOCKS)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    x = torch.randn(batch, TOKENS, width)

    def forward():
        with torch.no_grad():
            return model(x).mean().item()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model(x).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    times = {"forward": [], "step": []}
    for run in range(runs + 2):
        for name, work in (("forward", forward), ("step", step)):
            start = time.perf_counter()
            work()
            if run >= 2:
                times[name].append(1000 * (time.perf_counter() - start))
    return {
        "forwardMs": statistics.median(times["forward"]),
        "stepMs": statistics.median(times["step"]),
        "runs": runs,
        "peakMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "version": torch.__version__,
    }


if __name__ == "__main__":
    width, batch, runs = (int(argument) for argument in sys.argv[1:4])
    print(json.dumps(measure(width, batch, runs)))
