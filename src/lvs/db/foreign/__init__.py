"""Databases of other programs, as they document them. They are read, never written."""
