"""Pages over HTTP: who is signed in, from where a form may come, and how a view becomes HTML."""
