"""Programs with deliberate faults, and programs that the notebooks compare with the customer or the coffee shop."""
