"""Mutants of the function, each with a defect that the tests have to find; `make mutants` plants them one by one."""
