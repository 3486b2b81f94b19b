// project.set_state: say what is done to a project's part of the graph, and for which project
// $project_id: text
// $state: text: clearing or deleting
// $incarnation: text; the mark of the creation of the project that it is done for
// row: written, integer: 1
// nothing: written is 0: there is no watermark
// mode: write
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
SET w.state = $state, w.incarnation = $incarnation
REMOVE w.under_way
RETURN count(w) AS written
