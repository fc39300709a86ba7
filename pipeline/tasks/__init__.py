"""The stages as tasks: read the part before, call the stage, commit the part. They run in any process."""
