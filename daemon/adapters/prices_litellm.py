"""litellm's price table, read as data: importing litellm costs seconds and hundreds of megabytes."""

from __future__ import annotations

import json
import logging
from decimal import Context, Decimal
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..ports.cost import PriceTable

log = logging.getLogger(__name__)

TABLE_FILE = "model_prices_and_context_window_backup.json"

_READ_FIELDS = (
    *("input_cost_per_token", "input_cost_per_audio_token", "input_cost_per_image_token"),
    *("output_cost_per_token", "output_cost_per_audio_token", "output_cost_per_image_token"),
    *("output_cost_per_reasoning_token", "cache_read_input_token_cost", "cache_creation_input_token_cost"),
    *("max_output_tokens", "max_tokens"),
    *("windows", "hours_utc", "weekdays", "weekday_timezone"),  # of off_peak_pricing, which is an object
)

# A few rates were written by float arithmetic (`5.0000000000000004E-8`): digits beyond the fifteenth, which is
# what a double carries, are its noise and not the provider's price.
_AS_PRINTED = Context(prec=15)


class LitellmPrices:
    """The table inside the installed litellm package."""

    @cached_property
    def name(self) -> str:
        try:
            return f"litellm {version('litellm')}"
        except PackageNotFoundError:
            return "litellm (not installed)"

    def load(self) -> PriceTable:
        """About 40 ms of CPU, and 3 MB: only prices of tokens are kept, a tenth of the whole."""
        path = _table_path()
        try:
            text = path.read_bytes() if path else None
            table = json.loads(text, parse_float=_as_printed, object_pairs_hook=_kept) if text else None
        except (OSError, ValueError) as error:
            log.warning("litellm's price table cannot be read, so its models are unpriced: %s", error)
            return {}
        if not isinstance(table, dict):
            log.warning("litellm's price table is not installed, so its models are unpriced")
            return {}
        return table


def _table_path() -> Path | None:
    """Beside the package's `__init__`, which is found and not run."""
    spec = find_spec("litellm")
    return Path(spec.origin).parent / TABLE_FILE if spec and spec.origin else None


def _kept(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """The models of the table, and the prices of a model. The rest is dropped as it is read, since 10 MB that are
    let go of only afterwards stay with the process."""
    return {name: value for name, value in fields if isinstance(value, dict) or name.startswith(_READ_FIELDS)}


def _as_printed(number: str) -> Decimal:
    return _AS_PRINTED.create_decimal(number)
