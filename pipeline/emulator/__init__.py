"""A local Earth Engine over a seeded planet: the newcomer's default and the tests' ground."""
