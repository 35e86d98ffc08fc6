"""What a fitted estimator shows that it learned about missing values, column by column."""
