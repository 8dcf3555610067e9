"""What generates, publishes, and plants mutants: nothing that the function or its tests need in order to run."""
