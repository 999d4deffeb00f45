"""The gate: may the candidate replace the champion?"""
