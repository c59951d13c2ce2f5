"""How a base voice of many speakers is trained and chosen; see README.md beside this file."""
