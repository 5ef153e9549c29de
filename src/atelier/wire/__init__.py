"""The OpenAI-compatible shapes: read from a client, written to a client, and the same spoken to an upstream."""
