"""Programs with deliberate faults, and programs to compare with the customer and the coffee shop."""
