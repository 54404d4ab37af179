"""What the process and the machine ask for: access to a model, threads, progress, Ctrl-C, files.

May import `cynn._specs`; knows no array of training data and no model.

Imported from `callbacks` upwards.
"""
