"""Categories: the spellings of each, the one that names it, and which of them a text is."""

from collections import Counter

from ._notation import AS_PYTHON, Notation
from ._values import category


def spellings_of(words: list[str], notation: Notation = AS_PYTHON) -> dict[str, Counter[str]]:
    """Return how often each text stands there, by what it is as a category.

    Examples
    --------
    >>> spellings_of(["1", "1.0", "a", "1"])
    {'1': Counter({'1': 2, '1.0': 1}), 'a': Counter({'a': 1})}
    """
    spellings: dict[str, Counter[str]] = {}
    for word, n in Counter(words).items():
        spellings.setdefault(category(word, notation), Counter())[word] = n
    return spellings


def labels_of(spellings: dict[str, Counter[str]]) -> list[str]:
    """Return one spelling of each category: a number's plainest if it is there, or the usual one.

    Examples
    --------
    >>> labels_of(spellings_of(["1.0", "1.0", "1", "2.50", "yes"]))
    ['1', '2.50', 'yes']
    """
    return [
        name if name in counts else min(counts, key=lambda word: (-counts[word], len(word), word))
        for name, counts in spellings.items()
    ]


class Places:
    """The place of each of several texts, and of all that is equal to it.

    Parameters
    ----------
    words : tuple of str
        The texts.
    notation : Notation
        How they write numbers.

    Attributes
    ----------
    by_word : dict of str to int
        The places of the texts themselves: those that older files have may be equal.

    Examples
    --------
    >>> places = Places(("1,234", "a"), Notation(","))
    >>> [places.of(word) for word in ("1,2340", "a", "1.234")]
    [0, 1, -1]
    """

    def __init__(self, words: tuple[str, ...], notation: Notation) -> None:
        self.by_word = {word: place for place, word in enumerate(words)}
        self._by_category: dict[str, int] = {}
        self._notation = notation
        for place, word in enumerate(words):
            self._by_category.setdefault(category(word, notation), place)
        self._by_category.pop("", None)  # of a model from before these were missing

    def of(self, word: str) -> int:
        """Return which of them a text is equal to, or -1."""
        place = self.by_word.get(word)
        if place is None:
            place = self._by_category.get(category(word, self._notation), -1)
        return place
