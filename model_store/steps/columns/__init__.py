"""Steps that take the columns of a table: categories, texts, and the sparse matrices that they become."""
