"""A Redis for the daemons of these tests."""

from tests.fixtures_redis import own_redis_server, redis_server

__all__ = ["own_redis_server", "redis_server"]
