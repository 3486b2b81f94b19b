// project.open_watermark: begin again at position 0, once the project's part of the graph is clear
// $project_id: text
// $chain: text; the chain of a journal without entries
// row: written, integer: 1
// nothing: written is 0: there is no watermark
// mode: write
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
SET w.applied = 0, w.chain = $chain, w.state = 'open'
REMOVE w.quarantine, w.chunk
RETURN count(w) AS written
