"""`parley replay`: a recorded call again, from its journal: the same effects, a timeline, a regression test."""
