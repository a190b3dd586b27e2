"""Kinds of printers, as data: what each can do, and how its programs begin and end."""
