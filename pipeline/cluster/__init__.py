"""A Dask cluster at work: its pace as a whole, what its workers report, and tasks fed to it a few at a time."""
