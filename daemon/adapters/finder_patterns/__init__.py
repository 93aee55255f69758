"""What PII looks like: patterns with check sums, one file per family, no outside library but phonenumbers.

Every pass is linear in the text: it starts at a cheap trigger (a literal, a number) and matches from there.
"""
