"""Programs: read, cleaned and proved before anything moves. No serial, no socket, no clock."""
