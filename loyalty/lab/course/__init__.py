"""Parts of the course: paths, claims, predictions, traffic and exercises."""
