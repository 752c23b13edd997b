"""Imports from other programs: a reader for each, one matcher, and one way to apply them."""
