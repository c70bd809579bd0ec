"""Spans of OpenTelemetry: `spans` says what a call needs of a tracer, `otlp` is one that sends to a collector. Only
`otlp` imports OpenTelemetry, and only where a collector is configured is it imported itself."""
