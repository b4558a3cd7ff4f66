"""What is measured, a module for each; `benchmarks.worker` says what it has to hold."""
