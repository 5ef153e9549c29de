"""How requests come in and answers go out: the native face, the OpenAI face."""
