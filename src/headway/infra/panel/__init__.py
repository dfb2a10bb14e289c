"""The panel's own place on its machine."""
