"""Telephone exchanges: the configuration that connects one to Parley. Pure: `parley phone asterisk` prints it."""
