"""What belongs to the course alone: where it is, claims, predictions, traffic and exercises."""
