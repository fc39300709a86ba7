"""What finished runs can be asked: the figures of the CromSS paper's analysis, and those that need the truth."""
