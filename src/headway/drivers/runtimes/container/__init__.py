"""Releases as containers of this machine's engine, and what an engine is asked for elsewhere too."""
