"""The one command people type. It imports the server's and the agent's half only when asked."""
