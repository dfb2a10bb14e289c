"""Schedules: a script that runs at its times inside an application or a compose service, or on a machine."""
