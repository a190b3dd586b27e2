"""Finding designs: what is kept of each for that, and how it is asked. Words are made here, so that
SQLite and PostgreSQL find the same."""
