"""A finished data set is published: staged where it is to lie, read back there, and released by a marker, last."""
