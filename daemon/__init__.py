"""The Helix gateway: a local daemon that makes every LLM request private, cheaper and accounted for."""
