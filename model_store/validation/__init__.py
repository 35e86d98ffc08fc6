"""Values against a schema, before any model is touched: a batch of the schema's types, or a list of faults.

Only safe casts: a number into a float column, a whole number in range into an integer column. Strings are never read
as numbers, nor bools as anything but bools; infinity is refused, and missing values if the schema knows none.

Numbers that all fit are taken in one step (``numbers``). What does not go that way is looked at column by column
(``columns``, ``casts``); what does not fit there, value by value (``values``), so that each wrong place can be named.
"""
