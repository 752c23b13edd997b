"""The subcommands of `lvs`: every module in this folder is one, named as the module with `-` for
`_`.

A command module has a docstring whose first line is its help, `add_arguments(parser)` that declares
its flags, and `run(arguments)` that does the work and gives the exit code. It imports what is slow
to import inside `run`, prints results to stdout, and raises LvsError or ConfigError with a message
that `cli.main` shows. `lvs.terminal` has what they share.
"""
