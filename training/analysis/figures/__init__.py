"""How the figures of an analysis are drawn; what they show is worked out elsewhere."""
