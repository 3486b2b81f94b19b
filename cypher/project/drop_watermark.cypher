// project.drop_watermark: end a project in the graph
// $project_id: text
// row: deleted, integer: 1
// nothing: deleted is 0: there is no watermark
// mode: write
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
DELETE w
RETURN count(w) AS deleted
