"""What every actor needs, whatever it is: a mailbox, an outbox, the length of a run, and how input is read."""
