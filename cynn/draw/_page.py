"""The page: its files put together, with a network inside."""

import base64
import hashlib
import json
from importlib import resources
from string import Template
from typing import Any

from ..model import Model
from . import _network

SCRIPTS = ("network.js", "digit.js", "page.js")


def page(model: Model, digits: Any = None, *, white: float = 255.0) -> str:
    """Return a page to draw digits on, as one file of HTML that needs no server and no network.

    The weights are in it, as float32, and JavaScript computes what `Model.predict` does.

    Parameters
    ----------
    model : Model
        Of `Dense`, `Activation`, `Rescale`, `Flatten` and `Dropout` layers with the activations
        identity, relu, sigmoid, softmax and tanh; it takes images of 28x28 pixels, or rows of 784
        numbers, and ends in the probabilities of ten classes, by softmax or sigmoid.
    digits : (x, y), optional
        Labelled digits for the page to offer, of a test set say: pixels from 0 to 255, of shape
        (n, 28, 28) or (n, 784), and their classes, from 0 to 9, of shape (n,). The first ten of
        each class are taken.
    white : float, default 255.0
        What a white pixel is to the model: 255, as in MNIST's files, or 1 where the model was
        trained on pixels that were divided by 255 before. Finite, above 0.

    Returns
    -------
    str
        The HTML, to be written as UTF-8.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    RuntimeError
        If the model has no weights yet.

    See Also
    --------
    cynn.Model.input_gradient : The saliency that the page shows.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten, Rescale
    >>> model = Model([Flatten(), Rescale(1 / 255), Dense(10, "softmax")], seed=0)
    >>> model.build((28, 28))
    >>> text = page(model)
    >>> text[:15]
    '<!doctype html>'
    >>> _ = Path("digits.html").write_text(text, encoding="utf-8")  # doctest: +SKIP
    """
    model, white = _network.checked(model), _network.checked_white(white)
    network = _network.with_weights(model, _network.described(model, white))
    if digits is not None:
        network["digits"] = _network.labelled_digits(digits)
    return assembled(network)[0]


def served(model: Model, digits: Any, white: float) -> tuple[str, str]:
    """Return the page that asks a server, and its policy; see `assembled`."""
    network = _network.described(model, white) | {"server": True}
    if digits is not None:
        network["digits"] = _network.labelled_digits(digits)
    return assembled(network)


def source(name: str) -> str:
    """Return one of the page's files."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def assembled(network: dict[str, Any]) -> tuple[str, str]:
    """Return the page, and its Content-Security-Policy: nothing acts but its own script and style.

    Parameters
    ----------
    network : dict
        What the page is told.

    Returns
    -------
    (str, str)
        The HTML, in which the policy stands too, and the policy.
    """
    style = source("page.css")
    script = "\n".join(['\n"use strict";', *map(source, SCRIPTS)])
    connect = "'self'" if network.get("server") else "'none'"
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        f"img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    text = json.dumps(network, allow_nan=False).replace("<", "\\u003c")  # no end of the script
    html = Template(source("page.html")).substitute(
        policy=policy, style=style, script=script, network=text
    )
    return html, policy


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
