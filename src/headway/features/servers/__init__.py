"""Servers: machines that are reached by SSH, and what is done to them as a whole."""
