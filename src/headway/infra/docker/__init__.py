"""Docker as a machine has it: its engine's own API over any stream of bytes, and its command line as argument lists."""
