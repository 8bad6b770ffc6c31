"""What is good: `terms` are the objects that a policy orders, `scale` makes one integer of their values."""
