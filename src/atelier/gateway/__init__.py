"""The front door: who are you, may you, who serves you, what did it cost. Loads no model."""
