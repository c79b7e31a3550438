"""A coffee shop. Each order is a saga: a failed order is undone step by step, and a completed order earns points."""
