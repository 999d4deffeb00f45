"""One module per verb. At import they load click and nothing else, so that help is instant."""
