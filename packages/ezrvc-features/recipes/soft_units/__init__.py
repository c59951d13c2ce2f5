"""How the weights of the built-in content encoder are made; see README.md beside this file."""
