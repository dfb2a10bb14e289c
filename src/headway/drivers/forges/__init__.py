"""Forges: where repositories live, asked over their APIs, and heard by what they deliver."""
