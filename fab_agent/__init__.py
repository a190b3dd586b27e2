"""The local half: what a lab runs. It never imports repo_server and works without it."""
