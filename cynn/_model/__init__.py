"""What `cynn.model` hands its work to, apart from a fit: a network's plan, arrays and loops.

May import the specs (layers, losses, metrics, ...), `cynn._data` and `cynn._runtime`; knows neither
`Model` nor the epochs of a fit.

Imported from `_comm` and `storage` upwards.
"""
