"""How models run here: onnxruntime on one thread, quiet and small."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ModelUnavailable

# Else onnxruntime keeps a device id in the user's home and sends events to Microsoft. It looks when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """
    Raises:
        ModelUnavailable: the file cannot be loaded.
    """
    try:
        return onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own, and bare Exception
        raise ModelUnavailable(f"{model} cannot be loaded: {error}") from error


def _options() -> onnxruntime.SessionOptions:
    """One thread, which sleeps when it has nothing to do, and little memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Patterns are kept for every length of text that was ever seen: 6 MB more after 600 texts, and no faster.
    # The arena stays on: with it the process stays at 118 MB, without it at 125.
    options.enable_mem_pattern = False
    return options
