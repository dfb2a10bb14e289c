"""Notifications: what has happened, told to people and programs on the channels that they chose."""
