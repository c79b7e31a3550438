"""The processes of a lab: workers, the inbox and other child processes, and their environment variables."""
