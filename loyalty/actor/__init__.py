"""The parts that any actor needs: mailbox, outbox, run length, cancellation, and functions that read values."""
