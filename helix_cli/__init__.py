"""The face of Helix: what a person types and sees."""
