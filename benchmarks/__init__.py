"""The benchmark: this library beside its peers, in one run. See scripts/benchmark."""
