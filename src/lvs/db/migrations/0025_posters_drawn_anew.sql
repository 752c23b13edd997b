-- Posters are chosen from several frames and finished. `eye` and `drawn` name the whole way of drawing
-- from now on; those that were drawn before differ from it, and are drawn anew in the background.
ALTER TABLE projections ADD COLUMN poster_place INTEGER;  -- what a person chose; NULL: the best picture

UPDATE projections SET drawn = '1 ' || drawn WHERE drawn IS NOT NULL;
