"""The household: an actor that starts customers as its child workflows."""
