"""Releases as processes of this machine, kept alive by supervisord and bounded."""
