-- The words of the index, to find what somebody meant who wrote a word otherwise.
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, row);
