"""Programs with deliberate faults, and programs for comparisons with the customer and the coffee shop."""
