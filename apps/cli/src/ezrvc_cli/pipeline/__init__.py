"""The work behind the commands: calls the packages in order; parses nothing and prints nothing."""
