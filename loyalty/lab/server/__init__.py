"""The Temporal server of a lab, and the server's database file."""
