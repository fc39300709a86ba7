"""Whether a published data set is what its manifest says."""
