"""How databases and volumes become streams, and streams become databases and volumes again."""
