"""What several plots share: colours, axes, labels, rows over time, and the data that they draw."""
