"""Parts that several plots use: colours, axes, labels, rows and data."""
