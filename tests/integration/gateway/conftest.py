"""The official SDKs as callers of a shared daemon, and a Redis for daemons of their own."""

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest

from tests.fixtures_redis import own_redis_server, redis_server

__all__ = ["own_redis_server", "redis_server"]


@pytest.fixture
async def client(daemon) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{daemon.url}/v1", api_key=daemon.key, max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(daemon) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=daemon.url, api_key=daemon.key, max_retries=0) as client:
        yield client
