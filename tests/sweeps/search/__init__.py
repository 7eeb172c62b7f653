"""Search: what may be chosen, who chooses, and what becomes of it."""
