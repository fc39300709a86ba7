"""What is published about a data set, and how anyone checks it."""
