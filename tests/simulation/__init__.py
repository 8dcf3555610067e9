"""The whole life of the provider, simulated: one seed, one clock, every fault, and the guarantees as assertions."""
