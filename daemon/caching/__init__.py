"""Exact, then near: keys, look-up, admission, coalescing."""
