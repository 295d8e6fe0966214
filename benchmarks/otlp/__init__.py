"""What it costs to send records by OTLP, ours and OpenTelemetry's SDK for Python."""
