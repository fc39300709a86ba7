"""Encoders that transfer can start from: our own, random ones, and those that others have published."""
