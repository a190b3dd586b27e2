"""The words both sides share: values and pure functions, no I/O, no clock, no randomness."""
