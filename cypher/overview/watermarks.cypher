// overview.watermarks: how far the journal of each project is in the graph
// row: project_id, text; then as project.lock_watermark
// nothing: no row
// mode: read
// repeatable: yes
// plan: NodeIndexScan, it is about all projects there are; one watermark each
// note: of all projects, for people who look after the servers; it locks nothing, so a commit that
//   is under way may be seen or not.

MATCH (w:Watermark)
WHERE w.project_id IS NOT NULL
RETURN
  w.project_id AS project_id, w.applied AS applied, w.chain AS chain, w.incarnation AS incarnation,
  w.state AS state, w.under_way AS under_way, coalesce(w.quarantine, '') AS quarantine
