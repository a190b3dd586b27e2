"""Good files, spoilt at random: whatever comes of one, its reader answers, and in time."""
