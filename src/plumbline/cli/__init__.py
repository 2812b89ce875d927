"""The command line: arguments in, results on stdout, progress on stderr, exit code out. It holds no logic of its own."""
