"""Paused runs: their envelope, where they are kept, and their translation between the languages."""
