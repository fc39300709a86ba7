"""CromSS pretraining straight from the Zarr stores."""
