"""What the steps of a rule do: one class for each action, registered by name."""
