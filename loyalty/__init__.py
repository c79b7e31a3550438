"""A customer-loyalty program in which each customer is an actor: a Temporal workflow that runs for years."""

__version__ = "0.1.0"
