"""Several processes on one listening socket: the parent, and the workers that carry the calls."""
