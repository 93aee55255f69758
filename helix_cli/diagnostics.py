"""Everything on stderr, and the exit codes."""

from __future__ import annotations

import sys
from enum import IntEnum

from daemon.errors import BudgetExceeded, Forbidden, HelixError, NotFound, PiiBlocked, Unauthorized


class ExitCode(IntEnum):
    """What a shell sees. 130 (Ctrl-C) is the command framework's."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_ALLOWED = 3
    NOT_FOUND = 4
    UNREACHABLE = 6
    BUDGET_EXHAUSTED = 7
    PII = 8


class CommandFailed(HelixError):
    """A command cannot do what was asked; `exit_code` says of which kind that is."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageMistake(CommandFailed):
    """The command line can be read, but not be meant: the caller must change it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)


class DaemonUnreachable(CommandFailed):
    """No daemon runs on this data directory, or it does not answer."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; start it with: helix serve", ExitCode.UNREACHABLE)


def exit_code(error: HelixError) -> ExitCode:
    """The one place where an error becomes an exit code."""
    match error:
        case CommandFailed():
            return error.exit_code
        case Unauthorized() | Forbidden():
            return ExitCode.NOT_ALLOWED
        case NotFound():
            return ExitCode.NOT_FOUND
        case BudgetExceeded():
            return ExitCode.BUDGET_EXHAUSTED
        case PiiBlocked():
            return ExitCode.PII
        case _:
            return ExitCode.FAILURE


def report(error: HelixError) -> ExitCode:
    """Say what went wrong, one sentence a line, and return the exit code."""
    for sentence in str(error).splitlines():
        say(sentence)
    return exit_code(error)


def say(sentence: str) -> None:
    """A sentence for the person at the terminal."""
    sys.stderr.write(f"helix: {sentence}\n")
