// project.create_watermark: begin a project in the graph, at position 0
// $project_id: text
// $chain: text; the chain of a journal without entries
// $incarnation: text; the mark of this creation of the project
// row: written, integer: 1
// nothing: cannot be; a second watermark breaks the uniqueness constraint
// mode: write
// repeatable: no

CREATE (w:Watermark {
  project_id: $project_id, applied: 0, chain: $chain, incarnation: $incarnation, state: 'open'
})
RETURN count(w) AS written
