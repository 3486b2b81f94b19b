// prune.mark: note in the watermark that an entry is applied in part, so that it has to be next
// $project_id: text
// $under_way: text; the chain of that entry
// row: written, integer: 1
// nothing: written is 0: there is no watermark
// mode: write
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
SET w.under_way = $under_way
RETURN count(w) AS written
