"""The coffee shop as a choreography: four services, each an actor, react to each other's signals.

Notebook 12 compares the choreography with `loyalty.coffee.workflow`. Both programs use the same activities, the same
database and the same mishaps.
"""
