"""Carriers as the softphone plays them, one file each: `line(settings)` gives a `gateway.softphone.line.Line`."""
