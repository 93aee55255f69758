"""A long file through `helix redact`: memory and CPU, with and without a map; then back through `helix restore`.

    python tests/performance/redact_file.py [MEGABYTES]

The text is prose in lines with something found in every tenth, every value new; so the placeholders remembered
(200,000 at most) are part of what is measured.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROSE = (
    "The committee met on the usual day and went through its list; most of what had been said before was said again, "
    "and nobody found that strange. A table with 14 columns and 250 rows was handed round."
)
LINES_BETWEEN = 10


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_s: float
    peak_mib: float


def lines(size_bytes: int) -> Iterator[str]:
    written = number = 0
    while written < size_bytes:
        found = f" Write to user{number}@example{number % 97}.com or call +1 415 555 {number % 10_000:04d}."
        line = f"{number} {PROSE}{found if number % LINES_BETWEEN == 0 else ''}\n"
        written += len(line)
        number += 1
        yield line


def run(arguments: list[str], read: Path, write: Path, home: Path) -> Cost:
    """One command in a process of its own; what the kernel says it took."""
    with read.open("rb") as stdin, write.open("wb") as stdout:
        environ = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        actions = [(os.POSIX_SPAWN_DUP2, stdin.fileno(), 0), (os.POSIX_SPAWN_DUP2, stdout.fileno(), 1)]
        command = [sys.executable, "-m", "helix_cli", *arguments]
        pid = os.posix_spawn(sys.executable, command, environ, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text, short, redacted, restored, the_map = (
            folder / one for one in ("text", "short", "redacted", "back", "map")
        )
        with text.open("w") as out:
            out.writelines(lines(megabytes * 10**6))
        short.write_text("nothing\n")
        size_mb = text.stat().st_size / 1e6
        rows = {
            "redact, one line (what loading costs)": run(["redact"], short, redacted, folder),
            f"redact, {size_mb:.0f} MB": run(["redact"], text, redacted, folder),
            f"redact --map, {size_mb:.0f} MB": run(["redact", "--map", str(the_map)], text, redacted, folder),
        }
        rows["restore --map"] = run(["restore", "--map", str(the_map)], redacted, restored, folder)
        print("| command | CPU s | MB per CPU s | peak MiB |\n| --- | --: | --: | --: |")
        for command, cost in rows.items():
            print(f"| {command} | {cost.cpu_s:.1f} | {size_mb / cost.cpu_s:.2f} | {cost.peak_mib:.0f} |")
        print(f"\nrestored is equal: {digest(text) == digest(restored)}; map {the_map.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
