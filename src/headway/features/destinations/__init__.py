"""Storages elsewhere, and how what is kept there gets there and back."""
