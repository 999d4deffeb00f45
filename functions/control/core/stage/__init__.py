"""The stage: its records, and gateways, the only code that knows bucket, table and pipeline."""
