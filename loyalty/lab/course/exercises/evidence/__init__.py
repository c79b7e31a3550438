"""What event histories show about a learner's tries."""
