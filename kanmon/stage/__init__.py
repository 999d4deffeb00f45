"""A stage as the command line reaches it: its services, its roles, the local one."""
