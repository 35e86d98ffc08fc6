"""From a fitted estimator and sample rows to the files of a version: schema, golden answers, profile, artifact."""
