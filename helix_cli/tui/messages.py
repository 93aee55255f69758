"""What the feed's threads tell the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from daemon.control_api import Overview


class OverviewArrived(Message):
    """The daemon answered: sums, budgets and parts as they stand now."""

    def __init__(self, overview: Overview) -> None:
        super().__init__()
        self.overview = overview


class RequestsArrived(Message):
    """New requests wait in the feed; `Feed.take` hands them over."""


class DaemonGone(Message):
    """The daemon did not answer; it is asked again in `retry_s` seconds."""

    def __init__(self, sentence: str, retry_s: float) -> None:
        super().__init__()
        self.sentence = sentence
        self.retry_s = retry_s
