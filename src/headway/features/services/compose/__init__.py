"""Compose services: several containers that one file describes, deployed, kept and removed together."""
