"""What tests share: repositories, the command line, mounts, trees, waiting."""
