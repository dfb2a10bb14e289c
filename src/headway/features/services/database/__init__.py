"""Databases as services: containers of their own, or connections to such as run elsewhere."""
