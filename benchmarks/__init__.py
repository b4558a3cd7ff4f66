"""What chatplug costs, beside what it stands on and what others cost; README.md says how to run it."""
