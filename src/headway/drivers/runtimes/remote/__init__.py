"""Runtimes and edge of a server: the same code as on the panel's machine, sent there and asked over SSH."""
