"""2.5D milling: a drawing of a flat part becomes lines for GRBL. No port, no clock, no thread.

Strangers' drawings are read in a limited child process: `python -m fab_agent.cam REQUEST`.
"""
