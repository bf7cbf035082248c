"""The only layer that knows argv, the environment, the current directory and the terminal."""
