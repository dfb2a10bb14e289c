"""Containers of the machine and of servers, as people look at them."""
