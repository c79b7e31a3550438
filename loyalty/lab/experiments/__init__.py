"""Programs for the experiments in the notebooks. Some programs have deliberate faults."""
