"""The global repository: web and API. It never imports fab_agent; they meet in commons.wire."""
