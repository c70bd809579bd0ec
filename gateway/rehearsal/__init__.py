"""`parley persona`: authors talk with their agent, and scripted callers put it to the test.

`cli` reads the command line. A test is a call to a server of this process (`house`) over a line (`line`): `texting`
types to it over the realtime protocol. `acting` decides what a scripted caller does next and `judging` what came of it,
both without I/O; `running` is the shell, `report` tells.
"""
