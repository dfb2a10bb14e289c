"""What only clients of Dokploy call: other ways to do what the routers beside this folder do, and its old spellings."""
