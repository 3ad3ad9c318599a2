"""Who is asking, what a role may do, which rows and fields. Builds conditions, runs nothing."""
