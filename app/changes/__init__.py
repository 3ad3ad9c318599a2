"""Changes of many records: run with progress, listed, inspected and taken back.

What is done to the records of one chunk is the door's; here is what outlives a transaction. Nothing
here knows the web or a queue.
"""
