"""Replicas behind a balancer and one Redis: a simulation, and a measured run that checks the simulation."""
