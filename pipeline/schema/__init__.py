"""The contract between the stages and with training: no ee, no dask, no torch."""
