"""Make the files that ship of a trained tagger: `PYTHONPATH=. python models/export_tagger.py DIR`.

DIR is what train_tagger.py wrote. Writes the network as ONNX, the tables of word vectors as int8, the manifest, and
what the tagger finds in `tagger_texts.json`, to test it by.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tagger_training.labelled import KINDS
from tagger_training.network import Context
from tagger_training.network import Tagger as Network
from tokenizers import Tokenizer
from torch.nn import functional

from daemon.adapters.model_files import read_manifest
from daemon.adapters.tagger_onnx import Tagger

HERE = Path(__file__).parent
OUTPUT = HERE / "tagger"
TOKENIZER = HERE / "minilm" / "tokenizer.json"
GOLDEN_TEXTS = HERE / "tagger_texts.json"
OPSET = 17
FOUND_FROM = 0.5


class LabelChances(torch.nn.Module):
    """One text at a time: (words, width), (words) to (words, labels).

    The convolutions are written as products of matrices, each word's row with those of its two neighbours beside it,
    because onnxruntime multiplies int8 matrices 2.4 times as fast as it does float32, and has no such convolution.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter(layer.weight.permute(2, 1, 0).flatten(0, 1).contiguous())
            for layer in context.convolutions
        )

    def forward(self, vectors: torch.Tensor, gaps: torch.Tensor) -> torch.Tensor:
        context = self.context
        state = context.first_norm(vectors + context.gaps(gaps))
        for layer, weight, norm in zip(context.convolutions, self.weights, context.norms, strict=True):
            far = layer.dilation[0]
            padded = functional.pad(state, (0, 0, far, far))
            beside = torch.cat([padded[: -2 * far], state, padded[2 * far :]], dim=1)
            value, gate = (beside @ weight + layer.bias).chunk(2, dim=-1)
            state = norm(state + torch.relu(value) * torch.sigmoid(gate))
        return torch.softmax(context.scores(state), dim=-1)


def main() -> None:
    trained = torch.load(Path(sys.argv[1]) / "tagger.pt")
    pieces = load_file(trained["minilm"])["embeddings.word_embeddings.weight"].astype(np.float32)
    network = Network(torch.from_numpy(pieces), trained["shape"]["width"], trained["shape"]["dilations"])
    network.load_state_dict(trained["state"])
    OUTPUT.mkdir(exist_ok=True)
    write_network(network.eval())
    write_tables(network, pieces)
    write_manifest(trained["shape"])
    write_golden()


def write_network(network: Network) -> None:
    """Float32 first, then int8. Weights of 7 bits, as export_minilm.py says why."""
    width = network.unknown.numel()
    with TemporaryDirectory() as scratch:
        unquantised = Path(scratch) / "model.onnx"
        torch.onnx.export(
            LabelChances(network.context).eval(),
            (torch.randn(20, width), torch.zeros(20, dtype=torch.long)),
            str(unquantised),
            input_names=["vectors", "gaps"],
            output_names=["labels"],
            dynamic_axes={"vectors": {0: "words"}, "gaps": {0: "words"}},
            opset_version=OPSET,
            dynamo=False,  # the newer exporter cannot write opset 17, and puts paths of this machine into the file
        )
        quantize_dynamic(
            unquantised,
            OUTPUT / "model.onnx",
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def write_tables(network: Network, pieces: NDArray[np.float32]) -> None:
    words = network.words
    with torch.inference_mode():
        projected = words.project(torch.from_numpy(pieces)).numpy()
    rows, scales = quantised(projected)
    grams, gram_scales = quantised(words.grams.weight.detach().numpy())
    np.savez(
        OUTPUT / "words.npz",
        pieces=rows,
        piece_scales=scales,
        grams=grams,
        gram_scales=gram_scales,
        shapes=words.shapes.weight.detach().numpy(),
    )


def quantised(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scales = np.maximum(np.abs(table).max(axis=1), 1e-9) / 127
    return np.round(table / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def write_manifest(shape: dict[str, object]) -> None:
    manifest = {
        "name": "helix-tagger",
        "kinds": KINDS,
        "overlap": sum(shape["dilations"]),  # type: ignore[call-overload]
        "training": shape,
        "opset": OPSET,
        "licence": "Apache-2.0",
        "source": "models/train_tagger.py; README.md names the data",
        "made_with": {name: version(name) for name in ("torch", "onnx", "onnxruntime", "tokenizers", "faker")},
        "sha256": {name: sha256(OUTPUT / name) for name in ("model.onnx", "words.npz")},
    }
    write_json(OUTPUT / "manifest.json", manifest)


def write_golden() -> None:
    tagger = Tagger(read_manifest(OUTPUT), Tokenizer.from_file(str(TOKENIZER)), dict.fromkeys(KINDS, FOUND_FROM))
    texts = json.loads(GOLDEN_TEXTS.read_text())
    rows = [
        {
            "text": text,
            "found": [[span.start, span.end, span.entity_type, round(span.score, 4)] for span in tagger.find(text)],
        }
        for text in texts
    ]
    write_json(OUTPUT / "golden.json", rows)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
