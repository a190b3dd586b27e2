"""What `bench/streaming.py` measures: senders in processes of their own, and the machine they feed.

One file a sender. Each connects, says that it is ready, waits for the word, and streams the same
file to the same simulated machine, which does the measuring. Nothing of them is in our own runtime
or test environments; `make bench-peers` installs them.
"""
