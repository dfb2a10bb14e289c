"""What services hold on the disk, and what may go."""
