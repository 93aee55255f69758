"""`python -m helix_cli`: the command without its script."""

from .main import main

main()
