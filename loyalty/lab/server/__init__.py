"""The Temporal server that a lab starts, and its database file of histories."""
