"""The search for rules in rows: one file for each kind of them, and what all of them look at."""
