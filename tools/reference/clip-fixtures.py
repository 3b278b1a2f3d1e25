"""Makes the packs of packages/clip/fixtures: tiny random CLIPs of transformers and open_clip with inputs, outputs, gradients.

Usage: python tools/reference/clip-fixtures.py packages/clip/fixtures

The form is that of the reference packs: config.json, model.safetensors, case-NAME.json, case-NAME.safetensors with
input.*, output.* and grad.*. Everything is seeded; nothing is downloaded.
"""

import json
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import open_clip
import torch
import transformers
from safetensors.torch import save_file

TOLERANCE = 1e-4
BERT = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "hidden_size": 8,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "type_vocab_size": 2,
    "vocab_size": 40,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}


def spread(model):
    """Random values everywhere, so that no bias is zero and no scale is one."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "logit_scale":
                noise = torch.randn_like(parameter) * (0.3 if parameter.ndim > 1 else 0.1)
                is_norm = parameter.ndim == 1 and ("norm" in name.lower() or "ln_" in name) and name.endswith("weight")
                parameter.copy_(noise + 1 if is_norm else noise)


def write_case(folder, name, what, inputs, outputs, options=None, gradients=None):
    """One case: a description and its numbers."""
    tensors = {f"input.{key}": value for key, value in inputs.items()}
    tensors |= {f"output.{key}": value.detach() for key, value in outputs.items()}
    tensors |= {f"grad.{key}": value for key, value in (gradients or {}).items()}
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, folder / f"case-{name}.safetensors")
    description = {
        "what": what,
        "options": options or {},
        "tolerance": TOLERANCE,
        "made_with": {
            "torch": torch.__version__.split("+")[0],
            "transformers": transformers.__version__,
            "open_clip_torch": open_clip.__version__,
        },
    }
    (folder / f"case-{name}.json").write_text(json.dumps(description, indent=1) + "\n")


def gradients_of(model, loss, pixels, name):
    """Gradients of every parameter and of the pictures; a bias of the keys has none but rounding."""
    model.zero_grad()
    loss.backward()
    found = {key: parameter.grad for key, parameter in model.named_parameters() if parameter.grad is not None}
    for key in found:
        if key.endswith(("k_proj.bias", "key.bias")):
            found[key] = torch.zeros_like(found[key])
    return found | {f"input.{name}": pixels.grad}


def texts(rows, length, ends, padding, vocabulary):
    """Ids with start and end token and padding, of different lengths."""
    ids = torch.full((rows, length), padding, dtype=torch.int64)
    for row in range(rows):
        count = length - 2 * row
        ids[row, :count] = torch.randint(4, vocabulary - 4, (count,))
        ids[row, 0], ids[row, count - 1] = ends
    return ids


def hugging_face(root, name, activation):
    """A pack of transformers' CLIPModel."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    shared = {"hidden_act": activation, "num_attention_heads": 2, "num_hidden_layers": 2, "projection_dim": 6}
    config = transformers.CLIPConfig(
        text_config=shared
        | {"hidden_size": 8, "intermediate_size": 16, "vocab_size": 40, "max_position_embeddings": 8}
        | {"bos_token_id": 38, "eos_token_id": 39, "pad_token_id": 1, "layer_norm_eps": 1e-5},
        vision_config=shared
        | {"hidden_size": 12, "intermediate_size": 20, "image_size": 16, "patch_size": 8, "layer_norm_eps": 1e-3},
        projection_dim=6,
    )
    model = transformers.CLIPModel(config).eval()
    spread(model)
    model.save_pretrained(folder)

    def run(case, what, size=(16, 16), mask=None, end=39, gradients=False):
        model.text_model.eos_token_id = end
        model.text_model.config.eos_token_id = end
        pixels = torch.randn(3, 3, *size, requires_grad=gradients)
        inputs = {"pixel_values": pixels, "input_ids": texts(3, 8, (38, 39), 39, 40)}
        if mask is not None:
            inputs["attention_mask"] = mask
        is_other = size != (16, 16)
        result = model(**inputs, return_loss=True, interpolate_pos_encoding=is_other)
        vision = model.vision_model(pixels, interpolate_pos_encoding=is_other, output_hidden_states=True)
        text = model.text_model(
            inputs["input_ids"], attention_mask=inputs.get("attention_mask"), output_hidden_states=True
        )
        outputs = {
            "loss": result.loss,
            "logits_per_image": result.logits_per_image,
            "logits_per_text": result.logits_per_text,
            "image_embeds": result.image_embeds,
            "text_embeds": result.text_embeds,
            "vision_last_hidden_state": vision.last_hidden_state,
            "vision_pooled": vision.pooler_output,
            "text_last_hidden_state": text.last_hidden_state,
            "text_pooled": text.pooler_output,
            "image_features": model.visual_projection(vision.pooler_output),
            "text_features": model.text_projection(text.pooler_output),
        }
        outputs |= {f"vision_hidden.{index}": state for index, state in enumerate(vision.hidden_states)}
        outputs |= {f"text_hidden.{index}": state for index, state in enumerate(text.hidden_states)}
        options = {"gradients": True, "gradients_of_inputs": ["pixel_values"]} if gradients else {}
        if end != 39:
            options["eos_token_id"] = end
        found = gradients_of(model, result.loss, pixels, "pixel_values") if gradients else None
        stored = {key: value.detach() for key, value in inputs.items()}
        write_case(folder, case, what, stored, outputs, options, found)

    run("basic", "3 pictures, 3 texts padded with the end token; all gradients", gradients=True)
    if activation == "quick_gelu":
        mask = torch.tensor([[1, 1, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]])
        run("padded", "an attention mask with holes and padding", mask=mask)
        run("interpolated", "larger pictures that are no squares", size=(32, 24))
        run("old-eos", "the old rule of the end token: the largest id", end=2)


def open_clip_pack(root, name, text_cfg, pooling=None):
    """A pack of open_clip."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    vision = {"image_size": 16, "layers": 2, "width": 12, "head_width": 6, "patch_size": 8, "mlp_ratio": 2.0}
    config = {"embed_dim": 6, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text_cfg}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if pooling is None:
        model = open_clip.CLIP(embed_dim=6, vision_cfg=vision, text_cfg=text_cfg, quick_gelu=True).eval()
        ids = texts(3, 8, (38, 39), 0, 40)
    else:
        (folder / "text").mkdir(exist_ok=True)
        (folder / "text" / "config.json").write_text(json.dumps(BERT, indent=1) + "\n")
        os.chdir(folder)
        model = open_clip.CustomTextCLIP(embed_dim=6, vision_cfg=vision, text_cfg=text_cfg, quick_gelu=True).eval()
        ids = texts(3, 10, (2, 3), 0, 40)
    spread(model)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    states = {}

    def keep(prefix):
        def hook(module, arguments, result):
            states[prefix] = result[0] if isinstance(result, tuple) else result

        return hook

    for index, block in enumerate(model.visual.transformer.resblocks):
        block.register_forward_hook(keep(f"vision_hidden.{index + 1}"))
    blocks = model.transformer.resblocks if pooling is None else model.text.transformer.encoder.layer
    for index, block in enumerate(blocks):
        block.register_forward_hook(keep(f"text_hidden.{index + 1}"))
    pixels = torch.randn(3, 3, 16, 16, requires_grad=True)
    image, text = model.encode_image(pixels), model.encode_text(ids)
    hidden = dict(states)
    unit = torch.nn.functional.normalize
    scale = model.logit_scale.exp()
    loss = open_clip.ClipLoss()(unit(image, dim=-1), unit(text, dim=-1), scale)
    outputs = {
        "image_features": image,
        "text_features": text,
        "image_embeds": unit(image, dim=-1),
        "text_embeds": unit(text, dim=-1),
        "logit_scale_exp": scale,
        "logits_per_image": scale * unit(image, dim=-1) @ unit(text, dim=-1).T,
        "loss": loss,
    } | hidden
    found = gradients_of(model, loss, pixels, "image")
    options = {"gradients": True, "gradients_of_inputs": ["image"]}
    what = f"3 pictures, 3 texts padded with 0; pooling: {pooling or 'the largest id'}; all gradients"
    write_case(folder, "basic", what, {"image": pixels.detach(), "text": ids}, outputs, options, found)


def main():
    """Writes every pack into the folder that is named."""
    root = pathlib.Path(sys.argv[1]).resolve()
    hugging_face(root, "clip-quickgelu", "quick_gelu")
    hugging_face(root, "clip-gelu", "gelu")
    own = {"context_length": 8, "vocab_size": 40, "width": 8, "heads": 2, "layers": 2, "mlp_ratio": 2.0}
    open_clip_pack(root, "openclip-native", own)
    for name, pooling in [
        ("cls", "cls_last_hidden_state_pooler"),
        ("mean", "mean_pooler"),
        ("cls-bert-pooler", "cls_pooler"),
    ]:
        text = {"hf_model_name": "text", "hf_model_pretrained": False, "hf_proj_type": "mlp"}
        text |= {"hf_pooler_type": pooling, "context_length": 10}
        open_clip_pack(root, f"openclip-hf-text-{name}", text, pooling)


main()
