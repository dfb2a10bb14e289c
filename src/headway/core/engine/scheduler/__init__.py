"""Runs what is due: when that is, what becomes of each due time, and the loop that sees to it."""
