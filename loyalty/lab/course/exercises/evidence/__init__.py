"""Read facts about a learner's tries from Event Histories."""
