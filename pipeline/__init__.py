"""From Earth Engine to a published, sharded Zarr store of noisy-label locations."""
