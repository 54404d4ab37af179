"""What a fit does: its settings, its epochs, its steps from an iterable of batches.

May import `cynn._comm`, `cynn._model` and what stands below them; knows no `Model` by name.

Imported by `model` and `estimators`.
"""
