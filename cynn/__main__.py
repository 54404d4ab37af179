"""``python -m cynn`` is the command ``cynn``."""

import sys

from .cli import main

sys.exit(main())
