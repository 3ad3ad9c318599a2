"""How fast: Trellis beside a stock Flask-AppBuilder application and a bare WSGI floor."""
