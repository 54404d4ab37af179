"""Where float32 loses digits on the way in: numbers far from 0 that lie close to each other.

What is common to them is taken off in float64 then, before they are rounded.
"""

import math

FAR = 256.0
"""Standard deviations from 0 beyond which too many of a float32's 24 bits tell only the mean."""


def middle_of_rescaling(scale: float, offset: float) -> float:
    """Return the number that comes to 0, where numbers near it lose digits as float32; else 0.

    It is that of ``scale * x + offset``: far where the offset is, or where it is itself farther
    from 0 than pixels of 16 bits, whatever the unit of the results.

    Examples
    --------
    >>> middle_of_rescaling(1 / 127.5, -1.0), middle_of_rescaling(0.5, -1e9)
    (0.0, 2000000000.0)
    """
    if scale == 0:
        return 0.0
    middle = -offset / scale
    is_far = abs(offset) > FAR or abs(middle) > FAR * FAR
    return middle if is_far and math.isfinite(middle) else 0.0
