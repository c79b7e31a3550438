"""The coffee shop without anybody who knows the whole order: four services, each an actor, that react to each other.

Built to be compared with `loyalty.coffee.workflow`; both use the same activities, the same books and the same mishaps.
"""
