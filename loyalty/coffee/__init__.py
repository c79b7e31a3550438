"""A coffee shop: each order is a saga, undone step by step where it fails; a completed one earns points."""
