"""Loads models that this library saved into transformers and open_clip, strictly, and compares what they compute.

Usage: python tools/reference/clip-round-trip.py FOLDER [--tolerance 1e-4]

FOLDER holds the cases that `clip-round-trip.ts` writes: `model` is what `saveClip` wrote, `case.json` says in which layout,
`case.safetensors` holds `input.NAME` and `output.NAME`. For each case: no weight is missing, unexpected or of another
shape, the number of parameters is the same, vectors and logits agree, and the folder's tokenizer and image processor
give the ids and the pixels that this library gives.

Nothing is downloaded. Exit code: 0 if every case holds, 1 if one does not, 2 if there is no case.
"""

import argparse
import contextlib
import json
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import open_clip
import torch
import transformers
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil


def difference(actual, expected):
    """The largest difference as a share of the largest expected value, or of 1 if that is larger."""
    if actual.shape != expected.shape:
        raise ValueError(f"got {list(actual.shape)}, expected {list(expected.shape)}")
    largest = (actual.double() - expected.double()).abs().max().item()
    if largest != largest:
        raise ValueError("got numbers that are not finite")
    return largest / max(1.0, expected.abs().max().item())


def expect(holds, message):
    """Raises unless something holds."""
    if not holds:
        raise ValueError(message)


def picture(tensors, index):
    """One of the pictures as Pillow has them."""
    return Image.fromarray(tensors[f"input.picture.{index}"].numpy())


def pictures(tensors):
    """All pictures of a case."""
    return [picture(tensors, index) for index in range(sum(name.startswith("input.picture.") for name in tensors))]


def check_ids(rows, tensors):
    """Compares the ids that count."""
    mask = tensors["input.mask"].bool()
    for index, (row, ids) in enumerate(zip(rows, tensors["input.ids"], strict=True)):
        expected = ids[mask[index]].tolist()
        expect(row == expected, f"text {index}: the tokenizer gives {row}, this library {expected}")


def stored_dtypes(folder):
    """The element type of each weight of a folder, as safetensors spells it."""
    files = sorted(folder.glob("*.safetensors"))
    expect(len(files) == 1, f"expected one file of weights, got {[file.name for file in files]}")
    with safe_open(files[0], "pt") as file:
        return {name: file.get_slice(name).get_dtype() for name in file.keys()}


def check_hugging_face(folder, case, tensors):
    """CLIPModel and CLIPTokenizer of transformers."""
    model, report = transformers.CLIPModel.from_pretrained(
        folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
    )
    problems = {name: sorted(map(str, names)) for name, names in report.items() if names}
    expect(not problems, f"not loaded strictly: {problems}")
    model.eval()
    with torch.no_grad():
        result = model(
            input_ids=tensors["input.ids"].long(),
            attention_mask=tensors["input.mask"].long(),
            pixel_values=tensors["input.pixels"],
        )
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    width = tensors["input.ids"].shape[1]
    check_ids([tokenizer(text, max_length=width, truncation=True)["input_ids"] for text in case["texts"]], tensors)
    processor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    pixels = processor(images=pictures(tensors), return_tensors="pt")["pixel_values"]
    return model, pixels, (result.image_embeds, result.text_embeds, result.logits_per_image)


def check_open_clip(folder, case, tensors):
    """The model, transform and tokenizer that open_clip makes of a local folder."""
    # A text tower may be named by a folder beside the configuration.
    with contextlib.chdir(folder):
        model, transform = open_clip.create_model_from_pretrained("local-dir:.")
        tokenizer = open_clip.get_tokenizer("local-dir:.")
    stored, own = set(stored_dtypes(folder)), set(model.state_dict())
    expect(stored == own, f"missing {sorted(own - stored)}, unexpected {sorted(stored - own)}")
    model.eval()
    ids = tensors["input.ids"].long()
    with torch.no_grad():
        image = model.encode_image(tensors["input.pixels"], normalize=True)
        text = model.encode_text(ids, normalize=True)
        logits = model.get_logits(tensors["input.pixels"], ids)[0]
    rows = tokenizer(case["texts"], context_length=ids.shape[1]).tolist()
    lengths = tensors["input.mask"].sum(-1).int().tolist()
    check_ids([row[:length] for row, length in zip(rows, lengths, strict=True)], tensors)
    pixels = torch.stack([transform(image) for image in pictures(tensors)])
    return model, pixels, (image, text, logits)


def check_case(folder):
    """The largest differences of a case, by name."""
    case = json.loads((folder / "case.json").read_text())
    tensors = load_file(folder / "case.safetensors")
    check = {"huggingface": check_hugging_face, "open_clip": check_open_clip}[case["layout"]]
    model_folder = (folder / "model").resolve()
    dtypes = set(stored_dtypes(model_folder).values())
    expect(dtypes == {case["dtype"]}, f"weights are stored as {sorted(dtypes)}, expected {case['dtype']}")
    model, pixels, outputs = check(model_folder, case, tensors)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    expect(parameters == case["parameters"], f"{parameters} parameters, expected {case['parameters']}")
    names = ("image_vectors", "text_vectors", "logits_per_image")
    for name in names[:2]:
        vectors = tensors[f"output.{name}"]
        spread = (vectors.amax(0) - vectors.amin(0)).max().item()
        expect(spread > 0.05, f"{name} are all alike, so they show nothing")
    differences = {
        name: difference(tensors[f"output.{name}"], output) for name, output in zip(names, outputs, strict=True)
    }
    return parameters, differences | {"pixels": difference(tensors["input.pixels"], pixels)}


def main():
    """Checks every case of a folder and prints one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    cases = [folder for folder in sorted(options.folder.glob("*")) if (folder / "case.json").is_file()]
    if not cases:
        print(f"no case in {options.folder}: expected folders with case.json, case.safetensors and model")
        return 2
    versions = f"transformers {transformers.__version__}, open_clip {open_clip.__version__}"
    print(f"{versions}, torch {torch.__version__}, tolerance {options.tolerance:g}")
    failures = 0
    for folder in cases:
        try:
            parameters, differences = check_case(folder)
        except Exception as error:  # One broken case must not hide the others.
            failures += 1
            print(f"FAILED {folder.name}: {type(error).__name__}: {error}")
            continue
        holds = all(value <= options.tolerance for value in differences.values())
        failures += not holds
        figures = ", ".join(f"{name} {value:.1e}" for name, value in differences.items())
        print(f"{'ok    ' if holds else 'FAILED'} {folder.name} ({parameters} parameters): {figures}")
    print(f"{len(cases) - failures} of {len(cases)} cases hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
