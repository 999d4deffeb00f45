"""Alarms of the local stage, as CloudWatch evaluates them: pure rules about numbers and names.

expressions.py   metric math: parse, check, evaluate
states.py        from the datapoints of an alarm to its state
"""
