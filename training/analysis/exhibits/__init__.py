"""Each figure of an analysis, from the runs to what is drawn, with a sentence that says how to read it."""
