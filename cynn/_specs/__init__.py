"""What every declaration is made of: `Spec`, validation of arguments, the table of activations.

Layers, losses, optimizers and schedules are specs: names and settings, checked when they are made.
Here is what they share. This package imports nothing else of cynn; everything above may import it.
"""
