"""Who may do what, as a feature of the panel: what it is decided by lies in the core."""
