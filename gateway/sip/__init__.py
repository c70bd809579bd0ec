"""Telephone calls that a realtime provider answers on SIP itself: their sound never comes here. Parley holds such a
call by its event channel alone, the sideband: it decides the session, runs the tools, keeps the record, and ends it."""
