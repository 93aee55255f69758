"""The least that a gateway on aiohttp and uvloop can cost: what Helix's figures are ratios to.

pass   forward the bytes, stream the answer back; nothing is parsed
dict   parse the body, key it, answer from a dict or forward and store
"""

from __future__ import annotations

import argparse
import hashlib

import aiohttp
import orjson
import uvloop
from aiohttp import web

KEYED = (
    "model",
    "messages",
    "system",
    "input",
    "instructions",
    "prompt",
    "temperature",
    "max_tokens",
    "tools",
    "stream",
)


class Floor:
    def __init__(self, upstream: str, *, caches: bool) -> None:
        self.upstream = upstream
        self.store: dict[bytes, tuple[str, bytes]] | None = {} if caches else None

    async def start(self, app: web.Application) -> None:
        self.session = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))

    async def stop(self, app: web.Application) -> None:
        await self.session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        key = None
        if self.store is not None:
            asked = orjson.loads(body)
            picked = {name: asked[name] for name in KEYED if name in asked}
            key = hashlib.sha256(orjson.dumps(picked, option=orjson.OPT_SORT_KEYS)).digest()
            if hit := self.store.get(key):
                return web.Response(body=hit[1], headers={"content-type": hit[0]})
        headers = {"content-type": "application/json"}
        async with self.session.post(self.upstream + request.path, data=body, headers=headers) as answer:
            kind = answer.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                data = await answer.read()
                if self.store is not None and key:
                    self.store[key] = (kind, data)
                return web.Response(status=answer.status, body=data, headers={"content-type": kind})
            response = web.StreamResponse(headers={"content-type": kind})
            await response.prepare(request)
            async for data in answer.content.iter_any():
                await response.write(data)
            await response.write_eof()
            return response


async def serve(port: int, upstream: str, *, caches: bool) -> None:
    floor = Floor(upstream, caches=caches)
    app = web.Application(client_max_size=32 * 2**20)
    app.on_startup.append(floor.start)
    app.on_cleanup.append(floor.stop)
    app.router.add_post("/{path:.*}", floor.handle)
    await web._run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=1024)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("mode", choices=["pass", "dict"])
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True)
    given = arguments.parse_args()
    uvloop.run(serve(given.port, given.upstream, caches=given.mode == "dict"))
