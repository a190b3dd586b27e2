"""Millions of economic events, made up, and what reckoning with them costs."""
