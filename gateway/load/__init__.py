"""`parley load`: many callers at once, at any server that speaks WebRTC, a carrier's streams or the Realtime protocol.

What a caller says and hears is decided in `conversation`, what it came to in `figures`: both pure. `callers/` carries
it over each transport, `run` places the calls on one clock, `report` and `page` show them.
"""
