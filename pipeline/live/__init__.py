"""The live view of a build: a page that the driver writes while it works, and what a terminal shows."""
