"""What licences let whom do, with which duties: rules as data, and pure functions that read them.

No answer of these is legal advice. What the program does not know it asks; it never allows it.
"""
