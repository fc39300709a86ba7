"""Pseudo-labels for Sentinel-1: an optical teacher labels Sentinel-2, and a radar student learns from it."""
