"""How much a file asks of its parser, before it is parsed.

Protocol buffers make an object of a hundred bytes of a field that takes two in the file.
https://protobuf.dev/programming-guides/encoding/
"""

from typing import Any

MOST_FIELDS = 500_000
"""The fields of a file: those of `MOST_NODES` nodes with all that belongs to them, and more."""

VARINT, BYTES, FIXED = 0, 2, {1: 8, 5: 4}  # how the value of a field is written


def expect_few_fields(data: bytes, descriptor: Any) -> None:
    """Refuse a message with too many fields, those of messages in it included.

    What is no message is left to the parser.

    Parameters
    ----------
    data : bytes
        The message.
    descriptor : google.protobuf.descriptor.Descriptor
        Its kind.

    Raises
    ------
    ValueError
        If there are more than `MOST_FIELDS`; a whole number of a list counts as a field.
    """
    left = MOST_FIELDS
    waiting = [(0, len(data), descriptor)]
    while waiting:
        at, end, message = waiting.pop()
        fields = message.fields_by_number
        while at < end:
            left -= 1
            key, at = _whole_number(data, at)
            kind = key & 7
            if kind == VARINT:
                _, at = _whole_number(data, at)
            elif kind == BYTES:
                size, at = _whole_number(data, at)
                field = fields.get(key >> 3)
                if field is not None and field.message_type is not None and size:
                    waiting.append((at + size, end, message))
                    waiting.append((at, min(at + size, end), field.message_type))
                    break  # into it, and then on
                if field is not None and field.type in _WHOLE_NUMBERS:
                    left -= size  # a list of them, of a byte each
                at += size
            elif kind in FIXED:
                at += FIXED[kind]
            else:
                return
            if left < 0:
                raise ValueError(f"it must have at most {MOST_FIELDS} fields, got more")


_WHOLE_NUMBERS = frozenset((3, 4, 5, 8, 13, 14))
"""int64, uint64, int32, bool, uint32 and enum, by the numbers of descriptor.proto."""


def _whole_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the low ones first, and where it ends.

    Past the end of the data it is 0.
    """
    if at < len(data) and data[at] < 128:  # most are
        return data[at], at + 1
    number = shift = 0
    for byte in data[at : at + 10]:
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    return 0, len(data)
