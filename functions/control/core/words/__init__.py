"""What people read: one catalogue of texts, one way to write numbers and times."""
