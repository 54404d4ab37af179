"""What the tests of the command share."""

import pytest

import cynn
from cynn import cli


@pytest.fixture
def run(capsys):
    """Return a function that runs the command and gives its status, its output and its errors."""

    def run(*arguments):
        capsys.readouterr()
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        return (status, *capsys.readouterr())

    yield run
    cynn.set_num_threads(None)
