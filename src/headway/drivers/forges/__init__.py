"""Forges: where repositories live, asked over their APIs."""
