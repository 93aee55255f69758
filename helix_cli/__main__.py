"""`python -m helix_cli`: the command without its script."""

import sys

from .main import main

sys.exit(main())
