"""Waiting for workflows: every wait has a deadline, and says what is missing."""
