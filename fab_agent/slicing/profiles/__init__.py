"""Our own print profiles, as data: how each family of printers prints; no code lives here."""
