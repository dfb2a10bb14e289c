"""What every floor above stands on, without any input or output of its own."""
