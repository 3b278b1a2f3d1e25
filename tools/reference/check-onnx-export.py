"""Checks exported ONNX models with the onnx checker and with ONNX Runtime for Python.

Usage: python tools/reference/check-onnx-export.py FOLDER [--tolerance 1e-5] [--reference]

FOLDER is a case or holds cases. A case is a folder with `model.onnx` (and `model.onnx.data` where the weights lie
apart) and `tensors.safetensors`, whose tensors are named `input.NAME` and `output.NAME`.

For each case: the checker accepts the file with all its checks, shapes inferred strictly are those that the file
declares, and the outputs differ from the given ones by at most the tolerance times the largest given value.
`--reference` runs the evaluator of the onnx package as well, a third implementation, slow and made to be read.

Exit code: 0 if every case holds, 1 if one does not, 2 if there is no case.
"""

import argparse
import json
import pathlib
import struct
import sys

import numpy
import onnx
import onnx.reference
import onnxruntime

ELEMENT_TYPES = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "BOOL": "?"}


def read_safetensors(path):
    """Tensors of a safetensors file by name."""
    content = path.read_bytes()
    (header_length,) = struct.unpack("<Q", content[:8])
    start = 8 + header_length
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        numbers = numpy.frombuffer(content[start + begin : start + end], ELEMENT_TYPES[entry["dtype"]])
        tensors[name] = numbers.reshape(entry["shape"])
    return tensors


def part(tensors, kind):
    """Tensors of one kind, `input` or `output`, by their name in the model."""
    return {name[len(kind) + 1 :]: value for name, value in tensors.items() if name.startswith(kind + ".")}


def difference(actual, expected):
    """The largest difference as a share of the largest expected value."""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        raise ValueError(f"got {actual.dtype}{list(actual.shape)}, expected {expected.dtype}{list(expected.shape)}")
    if expected.size == 0:
        return 0.0
    left, right = actual.astype("f8"), expected.astype("f8")
    largest = numpy.max(numpy.abs(left - right))
    if not numpy.isfinite(largest):
        return float("inf")
    return float(largest / max(numpy.max(numpy.abs(right)), 1e-30))


def check_file(path):
    """Runs every check of the onnx package that works on the file; returns the loaded model without its weights."""
    # By path, for the checker then looks at the files of weights beside the model too.
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location" and pathlib.PurePath(entry.value).name != entry.value:
                raise ValueError(f"weights of {tensor.name} lie at {entry.value}, not beside the model")
    return model


def check_names(model, inputs, outputs):
    """Compares the names that the model declares with those of the tensors."""
    for what, values, names in (("inputs", model.graph.input, inputs), ("outputs", model.graph.output, outputs)):
        declared = [value.name for value in values]
        if sorted(declared) != sorted(names):
            raise ValueError(f"the model declares {what} {declared}, the tensors are for {sorted(names)}")


def check_case(folder, with_reference):
    """The largest differences of a case: from ONNX Runtime, and from onnx's evaluator if asked for; and a remark."""
    tensors = read_safetensors(folder / "tensors.safetensors")
    inputs, outputs = part(tensors, "input"), part(tensors, "output")
    path = folder / "model.onnx"
    model = check_file(path)
    check_names(model, inputs, outputs)
    domains = sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"})
    names = list(outputs)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    results = session.run(names, inputs)
    runtime = max(difference(result, outputs[name]) for name, result in zip(names, results, strict=True))
    reference = None
    if with_reference and not domains:
        results = onnx.reference.ReferenceEvaluator(onnx.load(str(path))).run(names, inputs)
        reference = max(
            difference(numpy.asarray(result), outputs[name]) for name, result in zip(names, results, strict=True)
        )
    remark = f"{len(model.graph.node)} nodes" + (f", domains {', '.join(domains)}" if domains else "")
    return runtime, reference, remark


def main():
    """Checks every case of a folder and prints one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--reference", action="store_true", help="run onnx's own evaluator as well")
    options = parser.parse_args()
    folders = [options.folder, *sorted(options.folder.glob("*"))]
    cases = [folder for folder in folders if (folder / "model.onnx").is_file()]
    if not cases:
        print(f"no case in {options.folder}: expected folders with model.onnx and tensors.safetensors")
        return 2
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, tolerance {options.tolerance:g}")
    failures = 0
    for folder in cases:
        try:
            runtime, reference, remark = check_case(folder, options.reference)
        except Exception as error:  # One broken case must not hide the others.
            failures += 1
            print(f"FAILED {folder.name}: {type(error).__name__}: {error}")
            continue
        holds = runtime <= options.tolerance and (reference is None or reference <= options.tolerance)
        failures += not holds
        third = "" if reference is None else f", onnx's evaluator {reference:.1e}"
        print(f"{'ok    ' if holds else 'FAILED'} {folder.name}: ONNX Runtime {runtime:.1e}{third} ({remark})")
    print(f"{len(cases) - failures} of {len(cases)} cases hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
