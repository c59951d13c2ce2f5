"""How the weights of a small content encoder are made; see README.md beside this file."""
