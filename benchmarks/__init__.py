"""How fast the pieces are, on which machine and when. A benchmark reports; it never fails for being slow."""
