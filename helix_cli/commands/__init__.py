"""One file per command: parse, ask, show."""
