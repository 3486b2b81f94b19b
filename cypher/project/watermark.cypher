// project.watermark: how far the journal is in the graph
// $project_id: text
// row: applied, integer; chain, text; incarnation, text; state, text; under_way, text or null;
//   quarantine, text
// nothing: no row
// mode: read
// repeatable: yes

MATCH (w:Watermark {project_id: $project_id})
RETURN
  w.applied AS applied, w.chain AS chain, w.incarnation AS incarnation,
  w.state AS state, w.under_way AS under_way, coalesce(w.quarantine, '') AS quarantine
