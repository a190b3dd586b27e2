"""Papers that go with a thing: what they say, where it stands on the sheet, as PDF and as PNG.

`fonts/` holds DejaVu Sans Condensed, under the licence beside it.
"""
