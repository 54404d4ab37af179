"""Ranks: what a fit on several processes asks of its communicator.

``ranks`` agrees, sums and shares; ``shards`` says which rows of a batch are whose; ``watchdog``
names a rank that was killed. May import `cynn._model`, `cynn._data` and `cynn._runtime`.

Imported from `_training` upwards.
"""
