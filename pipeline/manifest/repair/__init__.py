"""Damaged files of a published data set put right: from a copy, or from rows wherever they can be had."""
