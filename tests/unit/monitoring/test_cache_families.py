"""What `/metrics` says of the cache."""

from daemon.control_api.cache import CacheScope, CacheStats
from daemon.monitoring.metrics import Metrics


def scope(name: str, mode: str) -> CacheScope:
    return CacheScope(
        scope=name, mode=mode, threshold=None, reading=None, checks=20, wrong=1, error_low=0.01, error_high=0.24
    )


def test_scopes_are_counted_by_mode_and_never_named() -> None:
    metrics = Metrics()
    scopes = [scope(f"key:{number}", "shadow") for number in range(500)] + [scope("key:ann", "stopped")]
    metrics.cache(
        CacheStats(
            entries=7,
            bytes=700,
            hits={"exact": 1, "semantic": 2, "coalesced": 3},
            misses=4,
            saved_usd="0.5",
            saved_s=12.5,
            checks=40,
            wrong=1,
            error_low=0.0044,
            error_high=0.1288,
            scopes=scopes,
        )
    )

    text = metrics.render().decode()

    assert 'helix_cache_scopes{mode="shadow"} 500.0' in text
    assert 'helix_cache_scopes{mode="stopped"} 1.0' in text
    assert 'helix_cache_error_ratio{bound="high"} 0.1288' in text
    assert "helix_cache_entries 7.0" in text
    assert 'helix_cache_hits_total{kind="semantic"} 2.0' in text
    assert "helix_cache_misses_total 4.0" in text
    assert "key:" not in text
