"""Work that is done later, by a worker process; the only room that knows RQ and Redis.

What is due stands in the database; Redis only carries it to a worker. Losing Redis loses nothing.
"""
