"""Compose services: their files read and judged, their containers started, watched and taken away."""
