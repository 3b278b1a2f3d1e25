"""The transformer blocks of vit-blocks.bench.ts in PyTorch: forward, training step, peak memory.

Called by the benchmark with a width and a batch. Does what each line of its input names and answers with a line of JSON.
Needs torch and nothing else.
"""

import json
import os
import resource
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


def serve(width, batch):
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

    for line in sys.stdin:
        work = {"forward": forward, "step": step}[line.strip()]
        start = time.perf_counter()
        work()
        print(json.dumps({"ms": 1000 * (time.perf_counter() - start)}), flush=True)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"peakMiB": peak, "version": torch.__version__}))


if __name__ == "__main__":
    serve(*(int(argument) for argument in sys.argv[1:3]))
