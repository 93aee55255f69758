"""Keys and tokens that say by their form who issued them."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Iterator

from .page import positions
from .randomness import looks_random

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# The first two characters of each are literal: by these it is looked up.
_ISSUED = (
    # Models
    r"sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|lf-|live-|test-)?(?=[\w-]{0,200}[0-9])[\w-]{16,200}",
    r"gsk_[A-Za-z0-9]{20,255}",
    r"xai-[A-Za-z0-9]{20,255}",
    r"r8_[A-Za-z0-9]{30,64}",
    r"pplx-[A-Za-z0-9]{20,255}",
    r"hf_[A-Za-z0-9]{20,255}",
    r"api_org_[A-Za-z0-9]{30,64}",
    r"nvapi-[\w-]{40,100}",
    r"tgp_v1_[\w-]{40,64}",
    r"pcsk_[A-Za-z0-9]{4,10}_[A-Za-z0-9]{40,80}",
    r"tvly-[\w-]{20,64}",
    r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    r"sk_(?=[0-9a-f]{0,47}[0-9])[0-9a-f]{48}",
    r"hx-[\w-]{20,255}",
    # Clouds
    r"AKIA[A-Z0-9]{16}",
    r"ASIA[A-Z0-9]{16}",
    r"AIza[\w-]{35}",
    r"ya29\.[\w-]{20,255}",
    r"GOCSPX-[\w-]{28}",
    r"1//0[\w-]{40,255}",
    r"dop_v1_[a-f0-9]{64}",
    r"doo_v1_[a-f0-9]{64}",
    r"dor_v1_[a-f0-9]{64}",
    r"LTAI[A-Za-z0-9]{12,24}",
    r"AKID[A-Za-z0-9]{32}",
    r"dapi[0-9a-f]{32}(?:-[0-9])?",
    r"sbp_[0-9a-f]{40}",
    r"sb_secret_[\w-]{20,64}",
    r"pscale_(?:pw|tkn|oauth)_[\w-]{30,64}",
    r"fm[12]_[A-Za-z0-9+/=,_-]{80,2000}",
    r"vercel_blob_rw_[A-Za-z0-9]{10,24}_[A-Za-z0-9]{20,48}",
    r"nfp_[A-Za-z0-9]{30,64}",
    r"HRKU-[\w-]{36,80}",
    r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{20,80}",
    # Code, packages, images
    r"gh[pousr]_\w{20,255}",
    r"github_pat_\w{22,255}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|agent|soat|oas|imt|ffct)-[\w.-]{19,255}\w",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[\w-]{20,400}",
    r"rubygems_[0-9a-f]{48}",
    r"oy2[a-z0-9]{43}",
    r"dckr_[po]at_[\w-]{20,64}",
    r"ATATT3xFfGF0[\w-]{100,300}(?:=[0-9A-F]{8})?",
    r"ATBB[A-Za-z0-9]{32,40}",
    r"sq[aup]_[0-9a-f]{40}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    r"sntrys_eyJ[\w+/=-]{60,400}",
    r"sntryu_[0-9a-f]{64}",
    r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}",
    r"NRAK-[A-Z0-9]{27}",
    r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    # Messages, mail, documents
    r"xox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}",
    r"xapp-[\w-]{20,255}",
    r"SG\.[\w-]{16,64}\.[\w-]{16,64}",
    r"SK[0-9a-f]{32}",
    r"AC[0-9a-f]{32}",
    r"key-[0-9a-f]{32}",
    r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
    r"lin_api_[A-Za-z0-9]{32,64}",
    r"ntn_[A-Za-z0-9]{40,64}",
    r"figd_[\w-]{36,64}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    rf"pat-[a-z]{{2}}[0-9]-{_UUID}",
    r"CFPAT-[\w-]{43}",
    r"sk\.eyJ[\w-]{20,200}\.[\w-]{20,64}",
    # Money
    r"[spr]k_(?:live|test)_\w{10,255}",
    r"whsec_[\w+/=-]{16,255}",
    r"EAAA(?<![+/]EAAA)(?=[\w-]{0,60}[0-9])[\w-]{56,60}+(?![+/=-])",
    r"sq0[a-z]{3}-[\w-]{22,43}",
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"rzp_live_[A-Za-z0-9]{14}",
    r"access_token\$production\$[a-z0-9]{16}\$[0-9a-f]{32}",
    rf"access-(?:production|development|sandbox)-{_UUID}",
    # Vaults of secrets
    r"hv[sb]\.(?=[\w-]{0,200}[0-9])[\w-]{24,300}",
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{39,79}\w",
    r"pul-[0-9a-f]{40}",
    r"ops_eyJ[\w-]{200,2000}",
    r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}",
    r"1/[0-9]{16}:[0-9a-f]{32}",
    r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,4000}",
)
# Short beginnings that stand before words too: what follows has to be random.
_RANDOM_BEHIND = (
    r"secret_[A-Za-z0-9]{40,64}",
    r"csk-[a-z0-9]{40,64}",
    r"fw_[A-Za-z0-9]{20,48}",
    r"pa-[\w-]{40,64}",
    r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,32}",
    r"glc_[A-Za-z0-9+/=]{40,300}",
    r"cio[A-Za-z0-9]{32}",
    r"AQVN[\w-]{35,38}",
    r"sl\.[\w-]{100,255}",
    r"EAA[A-Za-z0-9]{80,400}",
)
# Beside `+` or `/` it is a piece of Base64, where many zeros look the same.
_RANDOM_FORM = r"(?<![+/]){}(?![\w+/=-])"
_FORM = r"{}(?!\w)"
_START = re.compile(r"(?<![\w-])[A-Za-z0-9](?=[\w.$/:+-]{15})", re.ASCII)
SHORTEST = 16


def _by_start() -> dict[str, tuple[tuple[re.Pattern[str], bool], ...]]:
    """The forms by their first two characters, each with whether what it matches has to be random."""
    found: defaultdict[str, list[tuple[re.Pattern[str], bool]]] = defaultdict(list)
    for forms, around, is_random in ((_ISSUED, _FORM, False), (_RANDOM_BEHIND, _RANDOM_FORM, True)):
        for form in forms:
            starts = [char + form[5] for char in form[1:4]] if form.startswith("[") else [form[:2]]
            for start in starts:
                found[start].append((re.compile(around.replace("{}", form), re.ASCII), is_random))
    return {start: tuple(patterns) for start, patterns in found.items()}


_BY_START = _by_start()


def find_issued_keys(text: str) -> Iterator[tuple[int, int]]:
    yield from _find_prefixed(text)
    yield from _find_suffixed(text)
    yield from _find_webhooks(text)
    yield from _find_telegram_tokens(text)
    yield from _find_discord_tokens(text)


def _find_prefixed(text: str) -> Iterator[tuple[int, int]]:
    for start in _START.finditer(text):
        at = start.start()
        for form, is_random in _BY_START.get(text[at : at + 2], ()):
            match = form.match(text, at)
            if match and (not is_random or looks_random(match[0])):
                yield match.span()


_SUFFIXED = (
    ("-us", re.compile(r"(?<![\w-])[0-9a-f]{32}\Z"), re.compile(r"-us[0-9]{1,2}(?![\w-])")),
    ("NRAL", re.compile(r"(?<![\w-])[0-9a-f]{36}\Z"), re.compile(r"NRAL(?!\w)")),
    (".atlasv1.", re.compile(r"(?<![\w-])[A-Za-z0-9]{14}\Z"), re.compile(r"\.atlasv1\.[\w-]{60,70}")),
)
_SUFFIX_REACH = 40


def _find_suffixed(text: str) -> Iterator[tuple[int, int]]:
    """Mailchimp's, New Relic's, Terraform's: what tells them stands behind random letters."""
    for sign, before, behind in _SUFFIXED:
        for at in positions(text, sign):
            window = max(0, at - _SUFFIX_REACH)
            if (head := before.search(text[window:at])) and (tail := behind.match(text, at)):
                yield window + head.start(), tail.end()


_WEBHOOKS = (
    ("hooks.slack.com/", re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,255}")),
    ("/api/webhooks/", re.compile(r"/api/webhooks/[0-9]{17,20}/[\w-]{60,80}")),
    (".webhook.office.com/", re.compile(r"\.webhook\.office\.com/webhookb2/[\w@/-]{60,300}")),
)


def _find_webhooks(text: str) -> Iterator[tuple[int, int]]:
    """Whoever knows such an address may write there; the path is the secret."""
    for sign, form in _WEBHOOKS:
        for at in positions(text, sign):
            if match := form.match(text, at):
                yield match.span()


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
