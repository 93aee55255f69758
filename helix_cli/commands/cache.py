"""`helix cache`: what is kept, and why something was a hit or a miss."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import diagnostics, output
from ..options import Config, Json, Yes, confirm, connect, group, seconds_of, text_of

if TYPE_CHECKING:
    from daemon.control_api.cache import AuditPlan, CacheAudit, CacheScope, Why

app = group("What is kept, and why something was a hit or a miss.")


@app.command()
def stats(*, config: Config = None, as_json: Json = False) -> None:
    """Show how much is kept, and what it was good for."""
    found = connect(config).cache_stats()
    if as_json:
        output.json_document(found)
        return
    hits = found["hits"]
    total = sum(hits.values())  # type: ignore[arg-type]
    output.table(
        ["what", "value>"],
        [
            ("entries", output.count(found["entries"])),
            ("size", output.size(found["bytes"])),
            ("exact hits", output.count(hits["exact"])),
            ("semantic hits", output.count(hits["semantic"])),
            ("coalesced", output.count(hits["coalesced"])),
            ("misses", output.count(found["misses"])),
            ("hit rate", output.share(total, total + found["misses"])),
            ("saved", output.usd(found["saved_usd"])),
            ("time saved", f"{found['saved_s']:,.1f} s"),
            ("kept answers compared with fresh ones", output.count(found["checks"])),
            ("of these wrong", output.count(found["wrong"])),
            ("error (95%)", f"{found['error_low']:.1%} to {found['error_high']:.1%}" if found["checks"] else "–"),
        ],
    )
    if found["scopes"]:
        output.line()
        _show_scopes(found["scopes"])


@app.command()
def clear(
    *,
    entry_id: Annotated[
        int | None, typer.Option("--id", help="Only the entry of this id, as `helix cache why` shows it.")
    ] = None,
    scope: Annotated[str | None, typer.Option(help="Only the entries of this scope.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Only those of this x-helix-cache-namespace.")] = None,
    model: Annotated[str | None, typer.Option(help="Only the answers of this model.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those of requests with this tag.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only those made longer ago: 30m, 12h, 7d.")
    ] = None,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove what is kept and is all that is said: nobody gets it from here on."""
    selected: dict[str, object] = {
        "id": entry_id,
        "scope": scope,
        "namespace": namespace,
        "model": model,
        "tag": tag,
        "older_than_s": None if older_than is None else seconds_of("--older-than", older_than, "smhdw"),
    }
    client = connect(config)
    said = (("id", entry_id), ("scope", scope), ("namespace", namespace), ("model", model), ("tag", tag))
    which = [f"{name} {value}" for name, value in said if value is not None]
    which += [] if older_than is None else [f"older than {older_than}"]
    confirm(f"Remove the cached answers of {' and '.join(which)}?" if which else "Remove all cached answers?", yes=yes)
    cleared = client.clear_cache(selected)
    if as_json:
        output.json_document({"cleared": cleared})
    elif cleared is None:
        output.line("they are being removed; nobody gets them any more")
    else:
        output.line(f"{output.count(cleared)} entries removed")


@app.command()
def why(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The last thing the user says; - is stdin.")],
    *,
    model: Annotated[str | None, typer.Option(help="The model that is asked.")] = None,
    system: Annotated[str | None, typer.Option(help="The system prompt that goes before it.")] = None,
    key: Annotated[str | None, typer.Option(help="The key id that asks, as `helix logs` shows it.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether a question would be a hit, and which check decided."""
    found = connect(config).why_cached(text_of(text), model=model, system=system, key=key)
    if as_json:
        output.json_document(found)
    else:
        _show_why(found)


@app.command()
def warm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A line for each request; - is stdin.")],
    *,
    model: Annotated[str | None, typer.Option(help="For lines that name none.")] = None,
    system: Annotated[str | None, typer.Option(help="The system prompt that goes before each question.")] = None,
    credential_env: Annotated[
        str, typer.Option(metavar="NAME", help="The variable with the key that your clients send.")
    ] = "OPENAI_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 4,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask each line once, so that its answer is kept. What is kept already costs nothing, so run it again to go on.

    A line is a question as text or as {"question": "..."}, a chat request {"model", "messages", ...}, or one of
    OpenAI's batch files: {"url": "/v1/...", "body": {...}}, also for /v1/messages.
    The cache belongs to who asks (cache.scope), hence the clients' own key.
    """
    from ..cache_warmer import warm_cache

    result = warm_cache(
        connect(config).url,
        file,
        model=model,
        system=system,
        credential_env=credential_env,
        concurrency=concurrency,
    )
    if as_json:
        output.json_document(result.as_json())
    else:
        output.line(
            f"{output.count(result.misses)} were asked, for {output.usd(str(result.cost_usd))}, "
            f"{output.count(result.hits)} were kept already, {output.count(result.not_kept)} cannot be, "
            f"{output.count(result.errors)} failed"
        )
    if result.stopped is not None:
        diagnostics.say(f"{output.count(result.left)} lines were not answered: run it again to go on")
        raise result.stopped
    if result.errors:
        raise diagnostics.CommandFailed(f"{output.count(result.errors)} lines failed")


@app.command()
def audit(
    *,
    sample: Annotated[int, typer.Option(min=1, max=1000, help="Near hits to ask again.")] = 50,
    scope: Annotated[str | None, typer.Option(help="Only those of this scope.")] = None,
    max_usd: Annotated[str, typer.Option(metavar="USD", help="What that may cost.")] = "1",
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it is likely to cost.")] = False,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask some of the near hits that were given again, and say how many of the kept answers were wrong."""
    client = connect(config)
    plan = client.plan_audit(sample, scope)
    planned = f"{output.count(plan['sample'])} of {output.count(plan['near_hits'])} near hits"
    if estimate:
        _show_plan(plan, planned, as_json=as_json)
        return
    if not plan["sample"] and not as_json:
        output.line("no near hit is known that could be asked again")
        return
    confirm(f"Ask {planned} again, likely for {output.usd(plan['likely_usd'])} and for at most ${max_usd}?", yes=yes)
    found = client.audit_cache(sample, max_usd, scope)
    if as_json:
        output.json_document(found)
    elif not found["checks"]:
        output.line(f"nothing could be compared; {output.count(found['failed'])} failed")
    else:
        _show_audit(found)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines; - is stdout.")],
    *,
    config: Config = None,
) -> None:
    """Write all that is kept, with its scopes, for `helix cache import`. Readable by you alone."""
    from ..cache_file import export_cache

    count = export_cache(connect(config), file)
    diagnostics.say(f"{output.count(count)} entries written")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `helix cache export` wrote; - is stdin.")],
    *,
    scope: Annotated[str | None, typer.Option(help="Only the entries of this scope.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep what another Helix had kept. Who wrote the file decides what your callers are answered."""
    from ..cache_file import import_cache

    taken = import_cache(connect(config), file, scope=scope)
    if as_json:
        output.json_document(asdict(taken))
    else:
        output.line(
            f"{output.count(taken.kept)} are kept now, {output.count(taken.passed_over)} were passed over "
            f"(ended, there already, or of another scope), {output.count(taken.with_pii)} held PII"
        )
    if taken.refused:
        raise diagnostics.CommandFailed(f"{taken.refused} lines are none of an export")


def _show_plan(plan: AuditPlan, planned: str, *, as_json: bool) -> None:
    if as_json:
        output.json_document(plan)
        return
    unpriced = f"; {output.count(plan['unpriced'])} of them have no known price and are left out"
    output.line(f"{planned}, likely for {output.usd(plan['likely_usd'])}" + (unpriced if plan["unpriced"] else ""))


def _show_audit(found: CacheAudit) -> None:
    output.table(
        ["scope", "asked again>", "wrong>", "error (95%)>"],
        [
            (
                one["scope"],
                output.count(one["checks"]),
                output.count(one["wrong"]),
                f"{one['error_low']:.1%} to {one['error_high']:.1%}",
            )
            for one in found["scopes"]
        ],
    )
    output.line()
    output.line(
        f"{output.count(found['wrong'])} of {output.count(found['checks'])} were wrong: "
        f"{found['error_low']:.1%} to {found['error_high']:.1%} (95%), for {output.usd(found['cost_usd'])}; "
        f"{output.count(found['failed'])} could not be compared"
    )


def _show_scopes(scopes: list[CacheScope]) -> None:
    """How right kept answers were where the provider was asked all the same."""
    output.table(
        ["scope", "mode", "serves from>", "checked>", "wrong>", "error (95%)>"],
        [
            (
                one["scope"],
                one["mode"],
                "" if one["threshold"] is None else f"{one['threshold']:.2f}",
                output.count(one["checks"]),
                output.count(one["wrong"]),
                f"{one['error_low']:.1%} to {one['error_high']:.1%}",
            )
            for one in scopes
        ],
    )


def _show_why(why: Why) -> None:
    output.line(f"{why['verdict']}: {why['model']}, exact key {why['key'][:16]}")
    output.line()
    output.table(["step", "outcome", ""], [(step["step"], step["outcome"], step["detail"]) for step in why["steps"]])
    output.line()
    output.table(
        ["similarity>", "verdict", "kept question"],
        [(f"{one['similarity']:.4f}", one["verdict"], one["question"]) for one in why["candidates"]],
        empty="nothing like it is kept",
    )
