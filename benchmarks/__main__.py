"""Run the benchmark, for scripts/benchmark."""

import signal
import sys

from .cli import main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its processes are ended too
    sys.exit(main())
