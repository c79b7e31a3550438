"""`make bench`: how fast and how lean, side by side, as ratios taken in one run. Never part of the tests."""
