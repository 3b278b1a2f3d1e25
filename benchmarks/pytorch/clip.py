"""The CLIP of clip.bench.ts as transformers has it: forward, training step, peak memory.

Called by the benchmark with a batch and with the sizes as JSON, in the layout of a Hugging Face `config.json`. Does what
each line of its input names and answers with a line of JSON. Needs torch and transformers; nothing is downloaded.
"""

import json
import os
import resource
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers


def texts(batch, context, end):
    """Made-up ids: a start, words, an end at a place of its own for each text, and the padding of CLIP."""
    ids = torch.full((batch, context), end)
    ids[:, 0] = end - 1
    for row in range(batch):
        length = context // 3 + row * (context // 2) // batch
        ids[row, 1:length] = torch.randint(1, end - 1, (length - 1,))
    return ids


def serve(batch, sizes):
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("CLAPS_THREADS", "2")))
    config = transformers.CLIPConfig(**sizes)
    model = transformers.CLIPModel(config).eval()
    side = config.vision_config.image_size
    pixels = torch.randn(batch, 3, side, side)
    ids = texts(batch, config.text_config.max_position_embeddings, config.text_config.vocab_size - 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def forward():
        with torch.no_grad():
            return model(input_ids=ids, pixel_values=pixels).logits_per_image.sum().item()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, pixel_values=pixels, return_loss=True).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    for line in sys.stdin:
        work = {"forward": forward, "step": step}[line.strip()]
        start = time.perf_counter()
        work()
        print(json.dumps({"ms": 1000 * (time.perf_counter() - start)}), flush=True)
    about = {
        "peakMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "version": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "attention": config._attn_implementation or model.config._attn_implementation,
    }
    print(json.dumps(about))


if __name__ == "__main__":
    serve(int(sys.argv[1]), json.loads(sys.argv[2]))
