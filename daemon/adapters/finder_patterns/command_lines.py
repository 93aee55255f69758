"""Passwords that programs are given on their command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .page import Page, positions, words

_WORD = (
    r"(?:\"(?P<double>[^\"\n$]{3,128})\"|'(?P<single>[^'\n]{3,128})'"
    r"|(?P<bare>[^\s\"'`$<>{}|;&()-][^\s\"'`<>|;&()]{2,127}))"
)
_USER = r"[^\s:\"'$<>]{1,64}:"
_QUOTED_USER = rf"[\"']{_USER}"
_BEFORE_LOGIN = rf"[^\n|;]{{0,200}}? (?:-u|--user|--proxy-user)[ =]?{_USER}"
# The line up to the option, and the password; each behind the name of its program.
_OPTIONS = (
    ("curl", rf"{_BEFORE_LOGIN}{_WORD}"),
    ("curl", rf"{_BEFORE_LOGIN.replace(_USER, _QUOTED_USER)}(?P<bare>[^\"'\n$]{{3,128}})[\"']"),
    ("sshpass", rf" -p ?{_WORD}"),
    ("mysql", rf"[a-z]{{0,8}}(?= )[^\n|;]{{0,120}}? -p{_WORD}"),
    ("mariadb", rf"[a-z-]{{0,8}}(?= )[^\n|;]{{0,120}}? -p{_WORD}"),
    ("redis-cli", rf"[^\n|;]{{0,80}}? (?:-a|--pass) {_WORD}"),
    ("mongo", rf"[a-z]{{0,6}}(?= )[^\n|;]{{0,120}}? -p {_WORD}"),
    ("7z", rf"[az]?(?= )[^\n|;]{{0,80}}? -p{_WORD}"),
    ("openssl", rf"[^\n|;]{{0,200}}? -pass(?:in|out)? pass:{_WORD}"),
    ("net user", rf" [\w.-]{{1,40}} {_WORD}(?= /add)"),
)
_AFTER_PROGRAM = tuple((program, re.compile(form)) for program, form in _OPTIONS)
_PLACEHOLDERS = words(
    "pass passwd password pw pwd secret token user username xxx yourpassword mypassword api_token x-oauth-basic"
)


def find_in_command_lines(page: Page) -> Iterator[tuple[int, int]]:
    """`curl -u ann:...`, `sshpass -p ...`, `mysql -p...`: what a shell would put there (`$PW`) is no value."""
    if " -" not in page.text and " /add" not in page.text:
        return
    for program, form in _AFTER_PROGRAM:
        for at in positions(page.lower, program):
            match = form.match(page.text, at + len(program))
            if match is None or page.lower[max(0, at - 1) : at].isalnum():
                continue
            group = match.lastgroup or "bare"
            if match[group].lower() not in _PLACEHOLDERS:
                yield match.span(group)
