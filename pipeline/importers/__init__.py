"""Published data sets that users have on disk already, read into the run directory of a build."""
