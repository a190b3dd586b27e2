"""What bench/dispatch.py measures, a part each."""
