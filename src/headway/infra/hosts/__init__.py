"""Hosts: running, outliving, signalling and stopping commands on this machine, and the files they need."""
