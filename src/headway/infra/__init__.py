"""Databases, hosts and logs: three ways to the machine that know nothing of each other or of any domain."""
