"""The Temporal server that a lab starts, and the file in which it keeps its histories."""
