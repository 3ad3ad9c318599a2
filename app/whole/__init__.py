"""Everything out of an installation as open formats, and back in again.

Lines of JSON for every table, the files and the configuration as they are, and a manifest with
counts and checksums: what a company takes along when it leaves, and what another Trellis, also a
newer one, takes in. A backup is for the same installation; this is for any program.
"""
