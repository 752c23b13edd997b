-- What was watched last, for what comes next.
CREATE INDEX progress_latest ON progress (person_id, updated_at) WHERE watched;
