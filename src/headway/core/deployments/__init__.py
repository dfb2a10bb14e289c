"""The deployment: its record, its states, its queue and its use cases."""
