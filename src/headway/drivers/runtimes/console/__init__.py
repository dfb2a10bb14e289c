"""Commands inside what runs: a script on the machine of the application, which enters a process or a container."""
