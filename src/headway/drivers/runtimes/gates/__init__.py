"""The kernel's border: what processes, containers and builds of this machine reach of each other and of it."""
