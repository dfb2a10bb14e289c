"""What domains share and users keep: SSH keys, and later domains, registries and destinations."""
