"""Waits and calls of the lab's client; each has a deadline and an error that names the cause."""
