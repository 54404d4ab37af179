"""The benchmark: this library against its peers, in one run. See scripts/benchmark."""
