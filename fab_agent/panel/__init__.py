"""The agent's own page, for the people of the lab on the lab's own network.

It works with no server and no internet. It drives nothing itself: what people ask here goes to
each machine's own process by its control socket, which refuses what is not allowed.
"""
