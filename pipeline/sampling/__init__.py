"""Ways to choose locations: around cities, within polygons, on a regular grid, or from a list."""
