"""The board: scores and seconds of ours and others on public tables, a line a fit."""
