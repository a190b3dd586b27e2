"""What `bench/search.py` is made of: designs that nobody drew, questions, and other engines."""
