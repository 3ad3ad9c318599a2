"""Who is asking, what the role may do, which rows and which fields. Builds conditions, runs nothing."""
