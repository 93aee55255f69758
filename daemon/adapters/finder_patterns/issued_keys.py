"""Keys and tokens that say by their form who issued them."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from .page import is_word_char, positions

_ISSUED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (prefix, re.compile(form, re.ASCII))
    for prefix, form in (
        ("sk-", r"sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|live-|test-)?(?=[\w-]{0,200}[0-9])[\w-]{16,200}"),
        ("AKIA", r"AKIA[A-Z0-9]{16}"),
        ("ASIA", r"ASIA[A-Z0-9]{16}"),
        ("ghp_", r"ghp_\w{20,255}"),
        ("gho_", r"gho_\w{20,255}"),
        ("ghu_", r"ghu_\w{20,255}"),
        ("ghs_", r"ghs_\w{20,255}"),
        ("ghr_", r"ghr_\w{20,255}"),
        ("github_pat_", r"github_pat_\w{22,255}"),
        ("glpat-", r"glpat-[\w.-]{19,255}\w"),
        ("xox", r"xox[abeoprs]-[\w-]{10,255}"),
        ("xapp-", r"xapp-[\w-]{20,255}"),
        ("k_live_", r"[spr]k_live_\w{10,255}"),
        ("k_test_", r"[spr]k_test_\w{10,255}"),
        ("whsec_", r"whsec_\w{16,255}"),
        ("AIza", r"AIza[\w-]{35}"),
        ("ya29.", r"ya29\.[\w-]{20,255}"),
        ("hf_", r"hf_[A-Za-z0-9]{20,255}"),
        ("npm_", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-AgE", r"pypi-AgE[\w-]{20,400}"),
        ("dckr_pat_", r"dckr_pat_[\w-]{20,64}"),
        ("dop_v1_", r"dop_v1_[a-f0-9]{64}"),
        ("doo_v1_", r"doo_v1_[a-f0-9]{64}"),
        ("dor_v1_", r"dor_v1_[a-f0-9]{64}"),
        ("SG.", r"SG\.[\w-]{16,64}\.[\w-]{16,64}"),
        # Behind `+` or `/` it is a piece of Base64, where many zeros look the same.
        ("EAAA", r"(?<![+/])EAAA(?=[\w-]{0,60}[0-9])[\w-]{56,60}+(?![\w+/=-])"),
        ("sq0", r"sq0[a-z]{3}-[\w-]{22,43}"),
        ("SK", r"SK[0-9a-f]{32}(?!\w)"),
        ("AC", r"AC[0-9a-f]{32}(?!\w)"),
        ("lin_api_", r"lin_api_[A-Za-z0-9]{32,64}"),
        ("hvs.", r"hvs\.(?=[\w-]{0,200}[0-9])[\w-]{24,300}"),
        ("hvb.", r"hvb\.(?=[\w-]{0,200}[0-9])[\w-]{24,300}"),
        ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
        ("gsk_", r"gsk_[A-Za-z0-9]{20,255}"),
        ("xai-", r"xai-[A-Za-z0-9]{20,255}"),
        ("r8_", r"r8_[A-Za-z0-9]{30,64}"),
        ("pplx-", r"pplx-[A-Za-z0-9]{20,255}"),
        ("shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
        ("hx-", r"hx-[\w-]{20,255}"),
        ("hooks.slack.com/services/", r"hooks\.slack\.com/services/[\w/]{20,255}"),
        ("eyJ", r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,4000}"),
    )
)
# Stripe's publishable keys begin with p; the prefix searched for stands behind the first letter.
_STARTS_ONE_EARLIER = frozenset({"k_live_", "k_test_"})


def find_issued_keys(text: str) -> Iterator[tuple[int, int]]:
    yield from _find_prefixed(text)
    yield from _find_telegram_tokens(text)
    yield from _find_discord_tokens(text)


def _find_prefixed(text: str) -> Iterator[tuple[int, int]]:
    for prefix, form in _ISSUED:
        for at in positions(text, prefix):
            start = at - 1 if prefix in _STARTS_ONE_EARLIER and at else at
            if _is_inside_word(text, start):
                continue
            if match := form.match(text, start):
                yield match.span()


def _is_inside_word(text: str, start: int) -> bool:
    before = text[max(0, start - 1) : start]
    return is_word_char(before) or before == "-"


_TELEGRAM_BOT = re.compile(r"(?<![0-9])[0-9]{8,10}\Z")
_TELEGRAM_HASH = re.compile(r":AA[\w-]{32,33}(?![\w-])", re.ASCII)


def _find_telegram_tokens(text: str) -> Iterator[tuple[int, int]]:
    """`<number of the bot>:AA<hash>`; in the address of a request it stands right behind `bot`."""
    for at in positions(text, ":AA"):
        window = max(0, at - 11)
        if (hashed := _TELEGRAM_HASH.match(text, at)) and (bot := _TELEGRAM_BOT.search(text[window:at])):
            yield window + bot.start(), hashed.end()


_DISCORD_TIME_AND_MAC = re.compile(r"\.[\w-]{6}\.[\w-]{27,45}(?![\w-])", re.ASCII)
_DISCORD_BOT = re.compile(r"(?<![\w-])[MNO][\w-]{22,27}\Z", re.ASCII)


def _find_discord_tokens(text: str) -> Iterator[tuple[int, int]]:
    """`<number of the bot, in Base64>.<time>.<code>`."""
    for rest in _DISCORD_TIME_AND_MAC.finditer(text):
        window = max(0, rest.start() - 29)
        bot = _DISCORD_BOT.search(text[window : rest.start()])
        if bot and _is_number_in_base64(bot[0]):
            yield window + bot.start(), rest.end()


def _is_number_in_base64(word: str) -> bool:
    try:
        return urlsafe_b64decode(word + "=" * (-len(word) % 4)).isdigit()
    except ValueError:
        return False
