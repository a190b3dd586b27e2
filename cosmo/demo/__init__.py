"""The main job from nothing on one machine. Every part is the real one, the machines are made
of memory."""
