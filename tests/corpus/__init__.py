"""Programs that must be refused, to the last one, and programs that must be accepted."""
