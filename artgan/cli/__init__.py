"""The command line: a module a command group, each parse -> config -> pipeline -> one message."""
