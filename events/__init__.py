"""A request for each situation, the world it meets, and what must come of it."""
