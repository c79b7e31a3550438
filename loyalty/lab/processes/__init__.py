"""Processes that a lab starts: children that end with their owner, workers, the inbox, and their environment."""
