"""`helix bench`: what Helix would do with data of yours; works without a daemon."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .. import output
from ..diagnostics import CommandFailed, ExitCode, UsageMistake
from ..options import Config, Json, group, settings

if TYPE_CHECKING:
    from daemon.control_api.cache import BenchRow, BenchTable

Kind = Literal["stream", "pairs"]

COLUMNS = ("rule", "hits>", "of answerable>", "wrong of hits>", "95% interval>")
TOLD_EVERY = 500

app = group("What Helix would do with data of yours; works without a daemon.")


@app.callback()
def bench() -> None:
    """The options of `helix bench` itself."""


@app.command()
def cache(
    *,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Lines of {"query", "cached_query", "label"}; 1: one answer.')
    ] = None,
    stream: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Lines of {"text", "cls"}; equal cls: one answer.')
    ] = None,
    max_error: Annotated[list[float], typer.Option(help="May be given more than once.")] = [0.01, 0.02, 0.05],  # noqa: B006
    seeds: Annotated[int, typer.Option(min=1, help="Random orders that are played.")] = 3,
    limit: Annotated[int, typer.Option(min=2, help="At most so many lines of a file, at random.")] = 25_000,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.svg", help="Draw hits against wrong hits.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Play labelled questions: how many near hits, and how many of them wrong, beside static cosine thresholds."""
    chosen: tuple[tuple[Kind, Path | None], ...] = (("stream", stream), ("pairs", pairs))
    files = [(kind, file) for kind, file in chosen if file is not None]
    if not files:
        raise UsageMistake("name a labelled file: --stream FILE or --pairs FILE")
    if not all(0 < error < 1 for error in max_error):
        raise UsageMistake("--max-error is a share between 0 and 1")
    from daemon.wiring import build_bench

    measure = build_bench(settings(config).settings.cache).measure
    tables: list[BenchTable] = []
    for kind, file in files:
        rows = _measured(measure, kind, file, limit=limit, max_errors=max_error, seeds=seeds)
        tables.append({"file": file.name, "kind": kind, "rows": rows})
    if plot is not None:
        _draw(tables, plot)
    if as_json:
        output.json_document(tables)
    else:
        _show(tables)


def _measured(
    measure: Callable[..., Coroutine[Any, Any, list[BenchRow]]],
    kind: Kind,
    file: Path,
    *,
    limit: int,
    max_errors: list[float],
    seeds: int,
) -> list[BenchRow]:
    try:
        lines = file.read_text("utf-8").splitlines()
        measuring = measure(kind, lines, max_errors=max_errors, seeds=range(1, seeds + 1), limit=limit, progress=_tell)
        return asyncio.run(measuring)
    except FileNotFoundError:
        raise CommandFailed(f"{file}: there is no such file", ExitCode.NOT_FOUND) from None
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise UsageMistake(f"{file}: {error}") from None


def _tell(done: int, total: int) -> None:
    """How far the embedding is, where somebody looks."""
    if sys.stderr.isatty() and (done % TOLD_EVERY == 0 or done == total):
        sys.stderr.write(f"\rembedded {done:,} of {total:,} texts" + ("\n" if done == total else ""))
        sys.stderr.flush()


def _draw(tables: list[BenchTable], file: Path) -> None:
    from ..cache_plot import svg

    try:
        file.write_text(svg(tables), "utf-8")
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None


def _show(tables: list[BenchTable]) -> None:
    for table in tables:
        asked, answerable = table["rows"][0]["asked"], table["rows"][0]["answerable"]
        held = "asked before" if table["kind"] == "stream" else "pairs of one answer"
        output.line(f"{table['file']}: {output.count(asked)} questions, {output.share(answerable, asked)} {held}")
        output.table(COLUMNS, _cells(table["rows"]))
        output.line()


def _cells(rows: list[BenchRow]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        name = f"max_error {row['setting']:g}" if row["rule"] == "helix" else f"cosine {row['setting']:.2f}"
        right = row["hits"] - row["wrong"]
        yield (
            name,
            f"{row['hit_rate']:.1%}",
            output.share(right, row["answerable"]),
            f"{row['wrong_of_hits']:.2%}" if row["hits"] else "–",
            f"{row['wrong_low']:.2%} to {row['wrong_high']:.2%}" if row["hits"] else "–",
        )
