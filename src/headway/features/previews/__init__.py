"""Previews: what runs of the pull requests of an application."""
