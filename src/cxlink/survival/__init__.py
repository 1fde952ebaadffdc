"""How long customers stay: Kaplan–Meier, hazards, families."""
