"""What the gateway needs from outside, as Protocols, room by room. Each has one contract test over all its adapters."""
