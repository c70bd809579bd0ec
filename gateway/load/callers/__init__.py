"""One way of calling each."""
