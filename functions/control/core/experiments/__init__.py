"""Experiment records: what is written of a run to a tracking server of MLflow, and how."""
