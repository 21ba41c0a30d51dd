"""What git says and what we tell it: messages, remotes, configuration."""
