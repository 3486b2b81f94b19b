// project.move_watermark: note in the writing transaction how far it brings the graph
// $project_id: text
// $applied: integer; the new position
// $chain: text; digest of the batch ids up to that position
// $quarantine: text; digest of what was left out up to that position
// $chunk: integer; nodes like those just written that a row of an answer may hold, 1,000 at most
// row: written, integer: 1
// nothing: written is 0: there is no watermark
// mode: write
// repeatable: yes
// note: the watermark keeps the least chunk, if it is below 1,000, for the statements that give columns

MATCH (w:Watermark {project_id: $project_id})
SET w.applied = $applied, w.chain = $chain, w.quarantine = $quarantine
SET w.chunk = CASE WHEN $chunk < coalesce(w.chunk, 1000) THEN $chunk ELSE w.chunk END
REMOVE w.under_way
RETURN count(w) AS written
