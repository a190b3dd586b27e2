"""Meshes become programs here: cleaned and sliced in sandboxed children, with our profiles only."""
