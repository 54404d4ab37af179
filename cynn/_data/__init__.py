"""Rows on their way to a network: arrays, data frames, sparse rows, weights of rows, batches.

May import `cynn._specs` and `cynn._runtime`; knows no layer, loss or model.

Imported from `_model` upwards.
"""
