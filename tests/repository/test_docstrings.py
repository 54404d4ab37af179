"""scripts/check_numpydoc.py: each kind of gap in a public docstring is seen."""

import pytest

from cynn._specs.validation import integer
from cynn.layers import Dense, Layer
from places import ROOT

SCRIPTS = ROOT / "scripts"

pytestmark = pytest.mark.skipif(not SCRIPTS.is_dir(), reason="the scripts are in a checkout")


@pytest.fixture(scope="module")
def check():
    pytest.importorskip("numpydoc")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        import check_numpydoc

        yield check_numpydoc


def complete(size):
    """Return the size.

    Parameters
    ----------
    size : int
        At least 1.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ValueError
        If it is less.

    Examples
    --------
    >>> complete(3)
    3
    """
    return integer("size", size)


def without(section):
    """Return `complete` without one section of its docstring."""

    def changed(size):
        return integer("size", size)

    parts = complete.__doc__.strip().split("\n\n")
    kept = [part for part in parts if part.split()[0] != section]
    assert len(kept) == len(parts) - 1
    changed.__doc__ = "\n\n".join(kept) + "\n    "
    return changed


def test_a_complete_docstring_has_no_failings(check):
    assert list(check.failings(complete, check.ACCEPTED)) == []


@pytest.mark.parametrize(
    ("section", "code"),
    [("Parameters", "PR01"), ("Returns", "RT01"), ("Raises", "RS01"), ("Examples", "EX01")],
)
def test_each_section_is_required(check, section, code):
    found = [each for each, _ in check.failings(without(section), check.ACCEPTED)]
    assert found == [code]


def test_a_method_may_name_the_one_that_it_overrides(check):
    for docstring, refers in (("Return it; see `Layer.step`.", True), ("Return it.", False)):
        assert check.refers_to_the_overridden("step", Dense, docstring) is refers
    assert not check.refers_to_the_overridden("step", Layer, "Return it; see `Layer.step`.")


def test_public_objects_are_found(check):
    names = {name for module in check.modules() for name, _ in check.public(module)}
    assert {"cynn.Model", "cynn.layers.Dense", "cynn.reference.relu", "cynn.onnx.load"} <= names
    assert not [name for name in names if "._" in name or name.startswith("cynn.kernels")]
