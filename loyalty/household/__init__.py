"""A household: an actor that opens its members' accounts as its children, and can outlive them or take them along."""
