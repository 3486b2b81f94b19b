// project.move_watermark: note in the writing transaction how far it brings the graph
// $project_id: text
// $applied: integer; the new position
// $chain: text; digest of the batch ids up to that position
// $quarantine: text; digest of what was left out up to that position
// row: written, integer: 1
// nothing: written is 0: there is no watermark
// mode: write
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
SET w.applied = $applied, w.chain = $chain, w.quarantine = $quarantine
REMOVE w.under_way
RETURN count(w) AS written
