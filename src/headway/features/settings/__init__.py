"""The settings of the panel itself."""
