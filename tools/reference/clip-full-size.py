"""Writes models of the published sizes with random weights, with inputs and with what Python computes from them.

Usage: python tools/reference/clip-full-size.py FOLDER [--case NAME]... [--small]

A case is a folder: `model` is what a user has on disk (configuration, safetensors, tokenizer files), `case.json` says what
is in it, `case.safetensors` holds `input.NAME` and `output.NAME`. `clip-full-size.ts` reads them.

The weights are drawn so that every layer matters: as wide as the number of inputs allows, biases and norms off their
usual start. Nothing is downloaded. `--small` makes the same cases with small models, to try the two scripts.
Memory: that of one model, about 2 GB. Disk: 2.7 GB.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import open_clip
import torch
import transformers
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

transformers.utils.logging.disable_progress_bar()

TEXTS = [
    "fundus photograph",
    "A colour fundus photograph of the right eye, optic disc: cup-to-disc ratio 0.6.",
    "OCT B-scan with intraretinal fluid; drusen, epiretinal membrane (grade 2) and a pigment epithelial detachment.",
    "Où est l'œdème maculaire? 3 µm/px — naïve façade, 42nd",
]
SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}


def draw_weights(model, seed):
    """Fills every parameter but the scale of the logits with numbers that keep outputs far from degenerate."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if name == "logit_scale":
                continue
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2:
                parameter.copy_(noise * 1.2 / parameter[0].numel() ** 0.5)
            elif name.endswith("class_embedding"):
                parameter.copy_(noise / parameter.numel() ** 0.5)
            else:
                # Norms multiply by about one, biases add about nothing.
                centre = 1.0 if parameter.mean() > 0.5 else 0.0
                parameter.copy_(centre + 0.1 * noise)
    return model.eval()


def pictures(seed):
    """Two made-up pictures of unequal sides: soft shapes with noise."""
    generator = numpy.random.default_rng(seed)
    made = []
    for height, width in ((300, 411), (517, 260)):
        coarse = generator.integers(0, 256, (7, 6, 3), dtype=numpy.uint8)
        soft = numpy.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=float)
        noisy = soft + generator.normal(0, 12, soft.shape)
        made.append(numpy.clip(numpy.rint(noisy), 0, 255).astype(numpy.uint8))
    return made


def write_case(folder, about, inputs, outputs):
    """Writes what `clip-full-size.ts` compares with."""
    tensors = {f"input.{name}": value for name, value in inputs.items()}
    tensors |= {f"output.{name}": value for name, value in outputs.items()}
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, folder / "case.safetensors")
    made_with = {"torch": torch.__version__, "transformers": transformers.__version__, "open_clip": open_clip.__version__}
    (folder / "case.json").write_text(json.dumps(about | {"texts": TEXTS, "made_with": made_with}, indent=1))
    for name, value in outputs.items():
        print(f"  {name}: {list(value.shape)}, largest {value.abs().max().item():.3g}")


def count(model):
    """The number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def save_clip_tokenizer(folder):
    """Writes CLIP's published vocabulary, which the open_clip package carries, as Hugging Face has it."""
    simple = SimpleTokenizer()
    merges = sorted(simple.bpe_ranks, key=simple.bpe_ranks.get)
    renamed = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {renamed.get(token, token): number for token, number in simple.encoder.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n", encoding="utf-8")
    tokenizer = transformers.CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_bert_tokenizer(folder, size):
    """Writes a made-up vocabulary with the special tokens where BERT has them."""
    letters = "".join(TEXTS).lower() + "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = sorted({letter for letter in letters if not letter.isspace()})
    words = sorted({word for text in TEXTS for word in text.lower().split() if word.isascii() and word.isalpha()})
    known = [*pieces, *(f"##{piece}" for piece in pieces), *words[::2], *(f"##{word[-3:]}" for word in words)]
    lines = [f"[unused{index}]" for index in range(size)]
    for token, index in SPECIAL.items():
        lines[index] = token
    known = list(dict.fromkeys(known))
    lines[200 : 200 + len(known)] = known
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    transformers.BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)


def clip_case(folder, small):
    """CLIPModel of transformers: ViT-B/16 with text."""
    model_folder = folder / "model"
    tokenizer = save_clip_tokenizer(model_folder)
    width = {"num_hidden_layers": 2} if small else {}
    config = transformers.CLIPConfig(
        vision_config={"patch_size": 16, **width},
        text_config={"bos_token_id": 49406, "eos_token_id": 49407, **width},
    )
    model = draw_weights(transformers.CLIPModel(config), 1)
    model.save_pretrained(model_folder)
    processor = CLIPImageProcessorPil()
    processor.save_pretrained(model_folder)
    images = pictures(2)
    pixels = processor(images=images, return_tensors="pt")["pixel_values"]
    encoded = tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    with torch.no_grad():
        result = model(**encoded, pixel_values=pixels)
        vision = model.vision_model(pixel_values=pixels, output_hidden_states=True)
        text = model.text_model(**encoded)
        outputs = {
            "vision_first": vision.hidden_states[0],
            "vision_middle": vision.hidden_states[config.vision_config.num_hidden_layers // 2],
            "vision_tokens": vision.last_hidden_state,
            "vision_pooled": vision.pooler_output,
            "image_projected": model.visual_projection(vision.pooler_output),
            "text_tokens": text.last_hidden_state,
            "text_pooled": text.pooler_output,
            "text_projected": model.text_projection(text.pooler_output),
            "image_vectors": result.image_embeds,
            "text_vectors": result.text_embeds,
            "logits_per_image": result.logits_per_image,
        }
    inputs = {"pixels": pixels, "ids": encoded["input_ids"], "mask": encoded["attention_mask"]}
    inputs |= {f"picture.{index}": torch.from_numpy(image) for index, image in enumerate(images)}
    write_case(folder, {"kind": "clip", "parameters": count(model)}, inputs, outputs)


def bert_config(small):
    """BERT's base size."""
    return transformers.BertConfig(**({"num_hidden_layers": 2} if small else {}))


def open_clip_case(folder, small, text):
    """CustomTextCLIP of open_clip: ViT-B/16 with a BERT of base size as its text tower."""
    model_folder = folder / "model"
    save_bert_tokenizer(model_folder, 30522)
    (model_folder / "text").mkdir()
    bert_config(small).save_pretrained(model_folder / "text")
    text_cfg = {
        "hf_model_name": "text",
        "hf_tokenizer_name": "text",
        "hf_model_pretrained": False,
        "context_length": 256,
        **text,
    }
    config = {
        "embed_dim": 512,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 2 if small else 12, "width": 768, "patch_size": 16},
        "text_cfg": text_cfg,
    }
    preparation = PreprocessCfg(size=224)
    published = {"model_cfg": config, "preprocess_cfg": dataclasses.asdict(preparation)}
    (model_folder / "open_clip_config.json").write_text(json.dumps(published, indent=1))
    # The name of the text tower is a folder beside the configuration.
    here = pathlib.Path.cwd()
    os.chdir(model_folder)
    model = draw_weights(open_clip.create_model("local-dir:.", pretrained_text=False), 3)
    tokenizer = open_clip.get_tokenizer("local-dir:.")
    os.chdir(here)
    save_file(
        {name: value.clone().contiguous() for name, value in model.state_dict().items()},
        model_folder / "open_clip_model.safetensors",
    )
    images = pictures(4)
    prepare = image_transform_v2(preparation, is_train=False)
    pixels = torch.stack([prepare(Image.fromarray(image)) for image in images])
    ids = tokenizer(TEXTS)
    with torch.no_grad():
        mask = (ids != 0).long()
        outputs = {
            "text_tokens": model.text.transformer(input_ids=ids, attention_mask=mask).last_hidden_state,
            "image_projected": model.encode_image(pixels),
            "text_projected": model.encode_text(ids),
            "image_vectors": model.encode_image(pixels, normalize=True),
            "text_vectors": model.encode_text(ids, normalize=True),
            "logits_per_image": model.get_logits(pixels, ids)[0],
        }
    inputs = {"pixels": pixels, "ids": ids, "mask": mask}
    inputs |= {f"picture.{index}": torch.from_numpy(image) for index, image in enumerate(images)}
    write_case(folder, {"kind": "clip", "parameters": count(model)}, inputs, outputs)


def bert_case(folder, small):
    """BertModel of transformers alone, base size."""
    model_folder = folder / "model"
    save_bert_tokenizer(model_folder, 30522)
    config = bert_config(small)
    model = draw_weights(transformers.BertModel(config), 5)
    model.save_pretrained(model_folder)
    tokenizer = transformers.BertTokenizer.from_pretrained(model_folder, local_files_only=True)
    encoded = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        result = model(**encoded, output_hidden_states=True)
    outputs = {
        "hidden_first": result.hidden_states[0],
        "hidden_middle": result.hidden_states[config.num_hidden_layers // 2],
        "tokens": result.last_hidden_state,
        "pooled": result.pooler_output,
    }
    inputs = {"ids": encoded["input_ids"], "mask": encoded["attention_mask"], "type_ids": encoded["token_type_ids"]}
    write_case(folder, {"kind": "bert", "parameters": count(model)}, inputs, outputs)


def poolers(kind, projection):
    """How open_clip makes one vector of a text."""
    return {"hf_pooler_type": kind, "hf_proj_type": projection}


CASES = {
    "clip-vit-b16": clip_case,
    "open-clip-bert-mlp": lambda folder, small: open_clip_case(
        folder, small, poolers("cls_last_hidden_state_pooler", "mlp")
    ),
    "open-clip-bert-pooler-linear": lambda folder, small: open_clip_case(
        folder, small, poolers("cls_pooler", "linear")
    ),
    "bert-base": bert_case,
}


def main():
    """Writes the cases that are asked for, all if none is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this case; may be given again")
    parser.add_argument("--small", action="store_true", help="two layers a tower, to try the scripts")
    options = parser.parse_args()
    for name in options.case or CASES:
        print(name)
        folder = options.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "model").mkdir(parents=True)
        CASES[name](folder, options.small)


if __name__ == "__main__":
    main()
