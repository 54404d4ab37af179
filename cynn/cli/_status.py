"""Exit statuses of the command."""

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the signal's number."""
