"""A small real server of the control API, for the command line and the dashboard."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from daemon import control_api as api

TOKEN = "t0ken"


def log_row(**values: Any) -> dict[str, Any]:
    return {
        "id": "req_1", "at": "2026-11-21T20:00:00+00:00", "kind": "call", "outcome": "settled", "dialect": "chat",
        "provider": "openai", "model": "gpt-4o-mini", "key": "local", "cache": "miss", "similarity": None,
        "status": 200, "cost_usd": "0.00042", "saved_usd": None, "input_tokens": 12, "output_tokens": 34,
        "ttft_ms": 120.0, "total_ms": 480.0, "pii": "", "reason": "",
    } | values  # fmt: skip


def budget_row(**values: Any) -> dict[str, Any]:
    return {
        "scope": "team:research", "window": "month", "limit_usd": "50", "spent_usd": "12.5", "reserved_usd": "0.5",
        "resets_at": "2026-12-01T00:00:00+00:00", "soft_pct": 80, "origin": "helix.toml", "raised_until": None,
    } | values  # fmt: skip


SPEND = {
    "cost_usd": "1.25", "saved_usd": "0.75", "calls": 10, "hits": 5, "refused": 1, "unknown": 0,
    "rows": [{"model": "gpt-4o-mini", "calls": 10, "hits": 5, "cost_usd": "1.25", "saved_usd": "0.75",
              "input_tokens": 1000, "output_tokens": 2000}],
}  # fmt: skip
REVIEW = {
    "previous": SPEND | {"cost_usd": "1", "rows": []},
    "course": [{"at": "2026-11-24", "cost_usd": "0.25", "saved_usd": "0"},
               {"at": "2026-11-25", "cost_usd": "1", "saved_usd": "0.75"}],
    "month": {"month": "2026-11", "spent_usd": "30", "projected_usd": "36.5", "days_known": 24},
    "prompt_cache": {"read_tokens": 100_000, "written_tokens": 2_000_000, "saved_usd": "-0.5", "rows": []},
    "unusual": [{"kind": "hour", "name": "2026-11-24T14", "cost_usd": "1", "usual_usd": "0.01", "z": 5.2},
                {"kind": "session", "name": "s-1", "cost_usd": "1", "usual_usd": "0.01", "z": 4.1}],
    "advice": [{"kind": "cheaper_model", "saving_usd": "0.9", "calls": 8, "text": "8 calls of gpt-4o were small",
                "step": "[[optimize]] …"}],
}  # fmt: skip
RECONCILED = {
    "invoice_usd": "3", "ledger_usd": "1", "difference_usd": "2", "equal": 1, "providers": ["openai"],
    "differences": [{"day": "2026-11-24", "model": "gpt-4o", "invoice_usd": "2", "ledger_usd": None,
                     "difference_usd": "2", "reason": "outside", "text": "nothing of it went through Helix"}],
}  # fmt: skip
FOCUS = b"BilledCost,ResourceId\n1.25,gpt-4o-mini\n"
EXPLAINED = log_row() | {
    "request_id": "req_1", "upstream_model": "gpt-4o-mini", "price_source": "litellm 1.106.2 gpt-4o-mini",
    "bound_usd": None, "parts": [{"name": "input", "tokens": 12, "usd_per_mtok": "0.15", "cost_usd": "0.0000018"}],
}  # fmt: skip
CACHE = {
    "entries": 1234, "bytes": 5_000_000, "hits": {"exact": 30, "semantic": 10, "coalesced": 2}, "misses": 58,
    "saved_usd": "0.75", "saved_s": 12.5, "checks": 40, "wrong": 1, "error_low": 0.0044, "error_high": 0.1288,
    "scopes": [{"scope": "key:local", "mode": "serving", "threshold": 0.9, "checks": 40, "wrong": 1,
                "error_low": 0.0044, "error_high": 0.1288}],
}  # fmt: skip


@dataclass
class FakeDaemon:
    """What the control API answers, and what it was asked. `answers` may be changed at any time."""

    data_dir: Path
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    past: list[dict[str, Any]] = field(default_factory=list)
    _followers: list[queue.Queue[dict[str, Any] | None]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self._server = server
        self.data_dir.mkdir(parents=True, exist_ok=True)
        path = self.data_dir / "daemon.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"url": self.url, "pid": 1, "version": "0.1.0", "token": TOKEN}))

    def stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for follower in self._followers:
            follower.put(None)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method: str, path: str) -> Any:
        status = {"url": self.url, "pid": 1, "version": "0.1.0", "mode": "ok", "since": "2026-11-21T19:00:00+00:00",
                  "parts": {"pii": {"status": "ok", "reason": ""},
                            "embedder": {"status": "degraded", "reason": "loading"}},
                  "unwell_providers": {}}  # fmt: skip
        defaults: dict[tuple[str, str], Any] = {
            ("GET", api.STATUS): status,
            ("GET", api.CACHE_STATS): CACHE,
            ("POST", api.CACHE_CLEAR): {"cleared": 3},
            ("GET", api.BUDGETS): {"budgets": [budget_row()]},
            ("PUT", api.BUDGETS): budget_row(origin="helix budget"),
            ("DELETE", api.BUDGETS): {"removed": True},
            ("POST", api.BUDGET_RAISE): budget_row(limit_usd="60", raised_until="2026-11-21T22:00:00+00:00"),
            ("GET", api.BUDGET_WHY): {"budgets": [budget_row()], "refusals": [log_row(reason="used up")]},
            ("GET", api.SPEND): SPEND,
            ("GET", api.SPEND_REVIEW): REVIEW,
            ("POST", api.SPEND_RECONCILE): RECONCILED,
            ("GET", api.SPEND_EXPLAIN): {"rows": [EXPLAINED]},
            ("POST", api.SPEND_PARQUET): {"rows": 15},
            ("GET", api.LOGS): {"rows": self.past},
            ("GET", api.OVERVIEW): {"status": status, "today": SPEND, "cache": CACHE, "budgets": [budget_row()]},
        }
        return self.answers.get((method, path), defaults.get((method, path)))

    def follow(self) -> queue.Queue[dict[str, Any] | None]:
        follower: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._followers.append(follower)
        return follower

    def happen(self, row: dict[str, Any]) -> None:
        """A request that all who follow are told of."""
        self.past.append(row)
        for follower in self._followers:
            follower.put(row)


def _handler(daemon: FakeDaemon) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            where = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(where.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            daemon.asked.append((self.command, where.path, query, json.loads(body) if body else None))
            if where.path.startswith(api.PREFIX) and self.headers["authorization"] != f"Bearer {TOKEN}":
                self.reply(403, {"error": {"message": "wrong token"}})
            elif where.path == api.SPEND_FOCUS:
                self.reply_bytes(200, FOCUS)
            elif where.path == api.LOGS_FOLLOW:
                self.stream(int(query["limit"]))
            else:
                answer = daemon.answer(self.command, where.path)
                status, answer, headers = answer if isinstance(answer, tuple) else (200, answer, {})
                self.reply(status, answer, **headers)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def reply(self, status: int, answer: Any, **headers: str) -> None:
            self.reply_bytes(status, json.dumps(answer).encode(), **headers)

        def reply_bytes(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def stream(self, limit: int) -> None:
            follower = daemon.follow()
            self.send_response(200)
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(b"\n")
            for row in daemon.past[-limit:] if limit else []:
                self.wfile.write(json.dumps(row).encode() + b"\n")
            while (row := follower.get()) is not None:
                self.wfile.write(json.dumps(row).encode() + b"\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
