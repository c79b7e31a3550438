"""Parts that several plots share: colours, axes, labels, rows over time, and their data."""
