"""The rules of Kanmon, one room per subject, and the gateways to the stage they act on."""
